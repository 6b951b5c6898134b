package conn

import "runtime"

// A turn may be taken for a moment, to gather one reply: that takes some nanoseconds, in
// which nothing is waited for. Nobody else notices. Who wants the turn meanwhile tries
// again and gets it, so that nothing is left to whoever has it for a moment: no queue, and
// nothing that is owed. So giving it back is a plain store, of which a processor has no
// need to wait until all can see it. An atomic operation that does costs as much as copying
// a small reply.

// tryMoment takes the turn for a moment, if it is free. The caller must not wait for
// anything until it has called endMoment.
func (t *turn) tryMoment() bool { return t.state.CompareAndSwap(turnFree, turnMoment) }

// endMoment gives it back. What was stored before is seen by the next who has the turn, but
// what is loaded after this may have been loaded before it.
func (t *turn) endMoment() { storeRelease(&t.state, turnFree) }

// tryAgain is try after the turn was not free. If somebody had it for a moment, that may have
// passed by now: then it is still to be had, and nobody else would tell.
func (t *turn) tryAgain() bool {
	for {
		switch t.state.Load() {
		case turnFree:
			if t.state.CompareAndSwap(turnFree, turnHeld) {
				return true
			}
		case turnMoment:
			runtime.Gosched()
		default:
			return false
		}
	}
}
