package conn

import (
	"bufio"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/mask"
)

// The size of TestServeStress. By default it takes less than a second; for a lost wake-up that
// is one in millions:
//
//	go test -run TestServeStress -stress.conns 1000 -stress.messages 10000000 -stress.time 5m
var (
	stressConns    = flag.Int("stress.conns", 20, "connections of TestServeStress")
	stressMessages = flag.Int64("stress.messages", 6000/sample, "messages of TestServeStress, of all connections")
	stressTime     = flag.Duration("stress.time", 10*time.Second, "how long TestServeStress may take; then it ends early")
	stressStall    = flag.Duration("stress.stall", 30*time.Second, "how long TestServeStress waits for one answer before it is lost")
)

// Serve answers every byte of every message, however the processors are kept busy: no
// notice of the kernel is missed, and no byte is lost or comes twice. Peers send in
// bursts of different sizes, cut anywhere, and wait for all answers in between.
func TestServeStress(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), *stressTime)
	defer cancel()
	begun := time.Now()
	var busy, all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		busy.Go(func() {
			for ctx.Err() == nil { // takes the processor from those who read
			}
		})
	}
	var answered atomic.Int64
	for i := range *stressConns {
		a, b := tcpPair(t)
		c := New(a, Start{Role: Server}, &Options{KeepAlive: -1})
		all.Go(func() {
			_ = c.Serve(context.Background(), echoing)
			_ = c.CloseNow()
		})
		p := &stressPeer{nc: b, in: bufio.NewReader(b), seed: uint64(i)}
		all.Go(func() {
			defer b.Close()
			for ctx.Err() == nil && answered.Load() < *stressMessages {
				n, err := p.burst()
				if err != nil {
					t.Errorf("connection %d, message %d: %v", i, p.received, err)
					return
				}
				answered.Add(n)
			}
		})
	}
	all.Wait()
	cancel()
	busy.Wait()
	t.Logf("%d messages on %d connections in %v", answered.Load(), *stressConns, time.Since(begun))
	if answered.Load() == 0 {
		t.Error("nothing was answered")
	}
}

// stressPeer sends numbered messages and compares the answers.
type stressPeer struct {
	nc             net.Conn
	in             *bufio.Reader
	out, body      []byte
	seed           uint64
	sent, received uint64
}

// next returns the next of a series of numbers that looks random.
func (p *stressPeer) next(n uint64) uint64 {
	p.seed = p.seed*6364136223846793005 + 1442695040888963407
	return p.seed >> 33 % n
}

// size returns the size of a message: most are small.
func (p *stressPeer) size() int {
	switch p.next(32) {
	case 0:
		return int(p.next(20_000))
	case 1, 2:
		return int(p.next(3000))
	}
	return 8 + int(p.next(100))
}

// burst sends messages, in one piece or two, and reads all answers.
func (p *stressPeer) burst() (n int64, err error) {
	if err := p.nc.SetDeadline(time.Now().Add(*stressStall)); err != nil {
		return 0, err
	}
	p.out = p.out[:0]
	var sizes [16]int
	n = 1
	if p.next(3) == 0 {
		n += int64(p.next(uint64(len(sizes))))
	}
	for i := range n {
		sizes[i] = max(8, p.size())
		h := frame.Header{Opcode: frame.Binary, Fin: true, Masked: true, Key: mask.Key{1, 2, 3, byte(i)}, Length: uint64(sizes[i])}
		p.out = h.Append(p.out)
		from := len(p.out)
		p.out = append(p.out, make([]byte, sizes[i])...)
		p.fill(p.out[from:], p.sent)
		mask.XOR(p.out[from:], h.Key)
		p.sent++
	}
	cut := len(p.out)
	if p.next(4) == 0 {
		cut = int(p.next(uint64(cut)))
	}
	if _, err := p.nc.Write(p.out[:cut]); err != nil {
		return 0, err
	}
	if cut < len(p.out) {
		runtime.Gosched()
		if _, err := p.nc.Write(p.out[cut:]); err != nil {
			return 0, err
		}
	}
	for _, size := range sizes[:n] {
		if err := p.answer(size); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// fill makes the payload of a message: its number, and bytes that follow from it.
func (p *stressPeer) fill(b []byte, number uint64) {
	binary.BigEndian.PutUint64(b, number)
	for i := 8; i < len(b); i++ {
		b[i] = byte(number + uint64(i))
	}
}

// answer reads the next answer.
func (p *stressPeer) answer(size int) error {
	head, err := p.in.Peek(2)
	if err != nil {
		return err
	}
	switch head[1] {
	case 126:
		head, err = p.in.Peek(4)
	case 127:
		head, err = p.in.Peek(10)
	}
	if err != nil {
		return err
	}
	h, n, err := frame.Parse(head)
	if err != nil || h.Opcode != frame.Binary || !h.Fin || h.Length != uint64(size) {
		return fmt.Errorf("header %+v, %v; want %d bytes", h, err, size)
	}
	_, _ = p.in.Discard(n)
	p.body = append(p.body[:0], make([]byte, 2*size)...)
	got, want := p.body[:size], p.body[size:]
	p.fill(want, p.received)
	if _, err := io.ReadFull(p.in, got); err != nil {
		return err
	}
	if string(got) != string(want) {
		return fmt.Errorf("% x..., want % x...", got[:8], want[:8])
	}
	p.received++
	return nil
}
