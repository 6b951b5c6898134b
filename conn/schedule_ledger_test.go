package conn

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"sync"
)

// parcel is a message of a schedule, as its sender knows it. The clock of the ledger puts
// what happens to all parcels in one order.
type parcel struct {
	sender, number int
	kind           MessageType
	size           int
	posted         bool // by Post, which does not wait until it has left

	begun   int64 // when the call that sends it began
	taken   int64 // when that call returned without an error; 0: it did not
	refused bool  // the call said that nothing has happened
	due     bool  // it must arrive
	arrived int   // how often it has
}

func (p *parcel) String() string {
	return fmt.Sprintf("message %d of sender %d, %v of %d bytes (posted %v, begun at %d, taken at %d, refused %v, arrived %d times)",
		p.number, p.sender, p.kind, p.size, p.posted, p.begun, p.taken, p.refused, p.arrived)
}

// The parts of a parcel's payload: a head that says what it is, content that follows from
// it, and a checksum of all before. It is ASCII, so that it may be text.
const (
	parcelHead = 18
	parcelTail = 8
	minParcel  = parcelHead + parcelTail
)

// perSide is how many goroutines send on one side, at most.
const perSide = 50

// payload returns what travels.
func (p *parcel) payload() []byte {
	b := fmt.Appendf(make([]byte, 0, p.size), "%02d %06d %07d ", p.sender, p.number, p.size)
	x := uint32(p.number*perSide*2+p.sender)*2654435761 + 1
	for len(b) < p.size-parcelTail {
		if p.number%3 > 0 || len(b)%64 == 0 { // else there is something to compress
			x = x*1664525 + 1013904223
		}
		b = append(b, 'A'+byte(x>>27))
	}
	return fmt.Appendf(b, "%08x", crc32.ChecksumIEEE(b))
}

// scramble spoils memory that the connection must not use any more.
func scramble(b []byte) {
	for i := range b {
		b[i] = '#'
	}
}

// ledger knows every message that both sides have sent and received.
type ledger struct {
	mu      sync.Mutex
	clock   int64
	parcels map[[2]int]*parcel // by sender and number
	last    map[int]int        // by sender
	empties [2]struct{ begun, taken, due, arrived int }
	faults  []string
}

func newLedger() *ledger {
	return &ledger{parcels: map[[2]int]*parcel{}, last: map[int]int{}}
}

// sideOf returns the side that a sender is on.
func sideOf(sender int) int { return sender / perSide }

func (l *ledger) tick() int64 {
	l.clock++
	return l.clock
}

// fault notes that the library has done something that it must not.
func (l *ledger) fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note(format, args...)
}

func (l *ledger) note(format string, args ...any) {
	if len(l.faults) < 10 {
		l.faults = append(l.faults, fmt.Sprintf(format, args...))
	}
}

// begin enters a parcel that is about to be sent. Without a size it is an empty message,
// which nothing tells from another.
func (l *ledger) begin(sender, size int, kind MessageType) *parcel {
	l.mu.Lock()
	defer l.mu.Unlock()
	if size == 0 {
		l.empties[sideOf(sender)].begun++
		return &parcel{sender: sender}
	}
	l.last[sender]++
	p := &parcel{sender: sender, number: l.last[sender], kind: kind, size: max(size, minParcel), begun: l.tick()}
	l.parcels[[2]int{sender, p.number}] = p
	return p
}

// outcome enters what the call that sends it returned.
func (l *ledger) outcome(p *parcel, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil && p.size == 0:
		l.empties[sideOf(p.sender)].taken++
	case err == nil:
		p.taken = l.tick()
	case !errors.Is(err, net.ErrClosed):
		p.refused = true
	}
}

// expect makes everything due that was taken up to now; what was posted only if those who
// post have waited for it.
func (l *ledger) expect(posted [2]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.parcels {
		p.due = p.taken > 0 && (!p.posted || posted[sideOf(p.sender)])
	}
	for i := range l.empties {
		l.empties[i].due = l.empties[i].taken
	}
}

// journal is what one goroutine has received, in its order.
type journal struct {
	side int
	list []*parcel
}

// arrived enters a message that was received whole.
func (l *ledger) arrived(j *journal, kind MessageType, b []byte) {
	p := l.peeked(j, b)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case p == nil:
	case kind != p.kind&^plain:
		l.note("%v came as %v", p, kind)
	case !bytes.Equal(b, p.payload()):
		l.note("%v came as %d other bytes: %.40q", p, len(b), b)
	}
}

// peeked enters a message of which at least the head was received, and returns it.
func (l *ledger) peeked(j *journal, b []byte) *parcel {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := &l.empties[1-j.side]
	if len(b) == 0 {
		if from.arrived++; from.arrived > from.begun {
			l.note("an empty message came that nobody has sent")
		}
		return nil
	}
	var key [2]int
	var size int
	if _, err := fmt.Sscanf(string(b[:min(len(b), parcelHead)]), "%02d %06d %07d ", &key[0], &key[1], &size); err != nil {
		l.note("%d bytes came without a head: %.40q", len(b), b)
		return nil
	}
	p := l.parcels[key]
	if p == nil || sideOf(key[0]) == j.side || p.size != size {
		l.note("a message came that nobody has sent: %.40q", b)
		return nil
	}
	if p.arrived++; p.arrived > 1 {
		l.note("%v has come again", p)
	}
	j.list = append(j.list, p)
	return p
}

// audit looks at the whole when all is over: that nothing came that was refused, nor out of
// order, and that nothing was lost on the sides that are complete.
func (l *ledger) audit(journals []*journal, complete [2]bool, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, j := range journals {
		// What a goroutine has received later was not to be sent first.
		var latest *parcel
		for _, p := range j.list {
			switch {
			case latest == nil || p.begun > latest.begun:
				latest = p
			case p.taken > 0 && p.taken < latest.begun:
				l.note("%v came after %v", p, latest)
			}
		}
	}
	var newest [2]int64 // by sending side: the beginning of the latest that has arrived
	for _, p := range l.parcels {
		if side := sideOf(p.sender); p.arrived > 0 {
			newest[side] = max(newest[side], p.begun)
		}
	}
	for _, p := range l.parcels {
		side := sideOf(p.sender)
		switch {
		case p.refused && p.arrived > 0:
			l.note("%v came", p)
		case !complete[1-side] || p.arrived > 0 || p.taken == 0:
		case p.taken < newest[side]:
			l.note("%v was lost: what was sent later has come", p)
		case due && p.due:
			l.note("%v was lost", p)
		}
	}
	for side, e := range l.empties {
		if due && complete[1-side] && e.arrived < e.due {
			l.note("%d empty messages of side %d have come, %d were to", e.arrived, side, e.due)
		}
	}
}
