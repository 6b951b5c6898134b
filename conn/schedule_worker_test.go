package conn

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"time"
)

// worker is a goroutine of a schedule. It is on one side.
type worker struct {
	*schedule
	*scheduleSide
	routine
	sender  int
	journal journal
	at      atomic.Pointer[op] // the call that it is in
	last    []byte             // the last message, which it owns
	copied  []byte             // a copy of that
}

// run does what the routine says.
func (w *worker) run() {
	defer w.all.Done()
	if w.sends {
		defer w.senders.Done()
	}
	for {
		for _, s := range w.steps {
			if !w.step(s) {
				return
			}
			w.wait(s.after)
		}
		if !w.always {
			return
		}
	}
}

// step does one step, and reports whether there may be another.
func (w *worker) step(s step) bool {
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	switch {
	case s.race:
		go cancel()
	case s.life > 0:
		t := time.AfterFunc(w.scale(s.life), cancel)
		defer t.Stop()
	default:
		ctx = background
	}
	w.at.Store(&s.op)
	var err error
	if read := w.reads(ctx, s); read != nil {
		err = read()
		if err != nil && errors.Is(err, net.ErrClosed) && err != w.c.terminal() {
			w.ledger.fault("%s returned %v, but the end was %v", s.op, err, w.c.terminal())
		}
	} else {
		err = w.writes(ctx, s)
	}
	w.at.Store(nil)
	if !bytes.Equal(w.last, w.copied) {
		w.ledger.fault("a message has changed that Read had returned")
	}
	return w.mayGoOn(s, ctx, err)
}

// mayGoOn looks at what a call has returned, and reports whether the connection goes on.
func (w *worker) mayGoOn(s step, ctx context.Context, err error) bool {
	switch {
	case err == nil:
	case errors.Is(err, net.ErrClosed):
		if !w.ending.Load() && !w.cuts {
			w.ledger.fault("%s returned %v before the end", s.op, err)
		}
		return false
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
	case err == ErrReaderOpen:
		w.wait(time.Millisecond)
	case err == errEnough && (s.op == opServe || s.op == opReply):
	case err == ErrPostLimit && s.op == opPost:
		w.wait(time.Millisecond)
	case errors.Is(err, ErrNoReader) && s.op == opPing:
	default:
		w.ledger.fault("%s returned %v", s.op, err)
	}
	return true
}

// reads returns the call of a step that reads, or nil.
func (w *worker) reads(ctx context.Context, s step) func() error {
	switch s.op {
	case opRead:
		return func() error {
			t, p, err := w.c.Read(ctx)
			return w.got(t, p, err)
		}
	case opAppend:
		return func() error { return w.readAppend(ctx, s) }
	case opReader, opSkip:
		select {
		case w.reader <- struct{}{}:
			return func() error { return w.readParts(ctx, s) }
		default: // another has the Reader
			return func() error { return w.readAppend(ctx, s) }
		}
	case opMessages:
		return func() error { return w.messages(ctx, s.count) }
	case opServe, opReply:
		return func() error { return w.serve(ctx, s) }
	case opDiscard:
		return func() error { return w.c.Discard(ctx) }
	}
	return nil
}

// got enters a message that belongs to the worker from now on.
func (w *worker) got(t MessageType, p []byte, err error) error {
	if err == nil {
		w.ledger.arrived(&w.journal, t, p)
		w.last, w.copied = p, append(w.copied[:0], p...)
	}
	return err
}

func (w *worker) readAppend(ctx context.Context, s step) error {
	const before = "before"
	w.last, w.copied = nil, nil
	dst := append(make([]byte, 0, len(before)+s.size*(s.count-1)), before...)
	t, p, err := w.c.ReadAppend(ctx, dst)
	if !bytes.HasPrefix(p, []byte(before)) || err != nil && len(p) != len(before) {
		w.ledger.fault("ReadAppend returned %.20q, %v", p, err)
		return err
	}
	return w.got(t, p[len(before):], err)
}

// readParts reads a message through a Reader, and through another if its context ends.
func (w *worker) readParts(ctx context.Context, s step) error {
	defer func() { <-w.reader }()
	t, r, err := w.c.Reader(ctx)
	if err != nil {
		return err
	}
	var b []byte
	part := make([]byte, 1+s.size/s.count)
	for {
		n, err := r.Read(part[:max(1, min(len(part), cap(b)-len(b)))])
		b = append(b, part[:n]...)
		switch {
		case err == io.EOF:
			w.ledger.arrived(&w.journal, t, b)
			_, err := r.Read(part)
			if err != io.EOF {
				w.ledger.fault("a Reader that was at its end returned %v", err)
			}
			return r.Close()
		case err != nil && ctx.Err() != nil && !errors.Is(err, net.ErrClosed):
			ctx = background
			var again MessageType
			if again, r, err = w.c.Reader(ctx); err != nil {
				return err
			}
			if again != t {
				w.ledger.fault("the rest of a message of %v is %v", t, again)
			}
		case err != nil:
			return err
		case s.op == opSkip && len(b) >= parcelHead:
			w.ledger.peeked(&w.journal, b)
			return r.Close()
		}
		if s.pause > 0 {
			w.wait(s.pause)
			s.pause = 0
		}
	}
}

func (w *worker) messages(ctx context.Context, count int) error {
	for m, err := range w.c.Messages(ctx) {
		if err := w.got(m.Type, m.Data, err); err != nil {
			return err
		}
		if count--; count == 0 {
			return nil
		}
	}
	return w.c.terminal() // the peer has closed normally
}

func (w *worker) serve(ctx context.Context, s step) error {
	err := w.c.Serve(ctx, func(r *Replier, m Message) error {
		w.ledger.arrived(&w.journal, m.Type, m.Data)
		scramble(m.Data)
		if s.pause > 0 {
			w.wait(s.pause)
			s.pause = 0
		}
		s.count--
		if s.op == opReply {
			if err := w.reply(r, s); err != nil {
				return err
			}
		}
		if s.count <= 0 {
			return errEnough
		}
		return nil
	})
	return err
}

// reply answers with a message or several.
func (w *worker) reply(r *Replier, s step) error {
	for range 1 + s.count%2 {
		p := w.ledger.begin(w.sender, s.size, s.kind)
		b := p.payload()
		err := r.Write(s.kind, b)
		w.ledger.outcome(p, err)
		scramble(b)
		if err == errClosing && w.ending.Load() {
			return nil // what the peer has sent before is still to be read
		}
		if err != nil {
			return err
		}
	}
	if s.count%3 == 1 {
		return r.Flush()
	}
	return nil
}

// writes makes the call of a step that does not read.
func (w *worker) writes(ctx context.Context, s step) error {
	switch s.op {
	case opPing:
		_, err := w.c.Ping(ctx)
		return err
	case opOther:
		return w.other(s)
	case opQueued:
		return w.queued(s)
	case opEmpty:
		p := w.ledger.begin(w.sender, 0, s.kind)
		err := w.c.Write(ctx, s.kind, nil)
		w.ledger.outcome(p, err)
		return err
	}
	p := w.ledger.begin(w.sender, s.size, s.kind)
	b := p.payload()
	var err error
	switch s.op {
	case opWrite:
		err = w.c.Write(ctx, s.kind, b)
	case opEnded:
		ended, cancel := context.WithCancel(background)
		cancel()
		err = w.harmless(s, w.c.Write(ended, s.kind, b))
		w.ledger.outcome(p, errors.Join(err, errEnough))
		return err
	case opWriter:
		err = w.write(ctx, s, b)
	case opGiveUp:
		err = w.giveUp(s, b)
		w.ledger.outcome(p, errors.Join(err, errEnough))
		return err
	case opPrepared, opPost:
		var m *Prepared
		if m, err = Prepare(s.kind, b); err != nil {
			break
		}
		scramble(b)
		if s.op == opPrepared {
			err = w.c.WritePrepared(ctx, m)
			break
		}
		p.posted = true
		err = w.c.Post(m)
	}
	w.ledger.outcome(p, err)
	scramble(b)
	return err
}

// harmless takes the error of a call whose context has ended before it could do anything:
// unless the connection has ended, that is the context's, and nothing has happened.
func (w *worker) harmless(s step, err error) error {
	switch {
	case err == nil:
		w.ledger.fault("%s returned nil", s.op)
	case !errors.Is(err, net.ErrClosed) && errors.Is(err, context.Canceled):
		return nil
	}
	return err
}

// write sends a message in pieces.
func (w *worker) write(ctx context.Context, s step, b []byte) error {
	out, err := w.c.Writer(ctx, s.kind)
	if err != nil {
		return err
	}
	for piece := range slices.Chunk(b, 1+len(b)/s.count) {
		if _, err := out.Write(piece); err != nil {
			end := out.Close()
			if end == nil {
				w.ledger.fault("Write returned %v, and then Close nil", err)
			}
			return errors.Join(err, end) // which may know that the connection has ended
		}
		scramble(piece)
		if s.pause > 0 {
			w.wait(s.pause)
			s.pause = 0
		}
	}
	return out.Close()
}

// giveUp begins a message of which nothing leaves yet, and gives it up.
func (w *worker) giveUp(s step, b []byte) error {
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	out, err := w.c.Writer(ctx, s.kind)
	if err != nil {
		return err
	}
	_, err = out.Write(b[:min(len(b), 1000)])
	w.wait(s.pause)
	cancel()
	if end := out.Close(); err == nil {
		err = end
	}
	return w.harmless(s, err)
}

// queued has a Write wait behind a Writer, and cancels it there.
func (w *worker) queued(s step) error {
	first := w.ledger.begin(w.sender, minParcel, s.kind)
	out, err := w.c.Writer(background, s.kind)
	if err != nil {
		w.ledger.outcome(first, err)
		return err
	}
	waits, cancel := context.WithCancel(background)
	second := w.ledger.begin(w.sender, s.size, s.kind)
	cancelled := async(func() error { return w.c.Write(waits, s.kind, second.payload()) })
	w.wait(s.pause)
	cancel()
	// It may wait for the end of the connection, but not for the Writer.
	refused := w.harmless(s, <-cancelled)
	w.ledger.outcome(second, errors.Join(refused, errEnough))
	_, err = out.Write(first.payload())
	if end := out.Close(); err == nil {
		err = end
	}
	w.ledger.outcome(first, err)
	if err == nil {
		err = refused
	}
	return err
}

// other makes calls that do no I/O.
func (w *worker) other(s step) error {
	if w.plan.ending.how != endFailure {
		w.c.SetReadLimit(int64(s.count%3-1) << 20)
	}
	_ = w.c.Subprotocol()
	if c := w.c.Context(); c.Err() != nil && w.c.terminal() == nil {
		w.ledger.fault("the context has ended before the connection")
	}
	return nil
}
