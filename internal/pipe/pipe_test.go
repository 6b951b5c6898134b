package pipe_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"golang.org/x/net/nettest"

	"github.com/duplexws/duplex/internal/pipe"
)

func TestConn(t *testing.T) {
	// An end must hold what nettest's echo sends back before it reads again.
	for name, capacity := range map[string]int{"capacity=default": 0, "capacity=2048": 2048} {
		t.Run(name, func(t *testing.T) {
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				a, b := pipe.New(capacity)
				return a, b, func() { a.Close(); b.Close() }, nil
			})
		})
	}
}

// TestCapacity writes more and more until a write has to wait.
func TestCapacity(t *testing.T) {
	tests := []struct {
		name      string
		told      int
		size      int // of one write
		completed int // writes that need no reader
	}{
		{"one byte", 1, 1, 1},
		{"ten bytes", 10, 3, 3},
		{"default", 0, 1 << 10, 64},
		{"unlimited", -1, 1 << 16, 50},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := pipe.New(tt.told)
				defer b.Close()
				const writes = 50
				total := max(writes, tt.completed+1) * tt.size
				written := 0
				go func() {
					defer a.Close()
					for i := range total / tt.size {
						if _, err := a.Write(bytes.Repeat([]byte{byte(i)}, tt.size)); err != nil {
							t.Errorf("Write: %v", err)
							return
						}
						written++
					}
				}()
				synctest.Wait()
				want := tt.completed
				if tt.told < 0 {
					want = total / tt.size
				}
				if written != want {
					t.Errorf("%d writes of %d bytes went through without a reader, want %d", written, tt.size, want)
				}
				got, err := io.ReadAll(b)
				if err != nil || len(got) != total {
					t.Fatalf("read %d bytes, %v; want %d", len(got), err, total)
				}
				for i, c := range got {
					if c != byte(i/tt.size) {
						t.Fatalf("byte %d is %#x, want %#x", i, c, byte(i/tt.size))
					}
				}
			})
		})
	}
}

// TestWritesDoNotMix has several goroutines write records that are larger than the
// capacity.
func TestWritesDoNotMix(t *testing.T) {
	const writers, records, size = 8, 1000, 10
	a, b := pipe.New(3)
	defer b.Close()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range records {
				if _, err := a.Write(bytes.Repeat([]byte{byte(w)}, size)); err != nil {
					t.Errorf("Write: %v", err)
				}
			}
		})
	}
	go func() {
		wg.Wait()
		a.Close()
	}()
	got, err := io.ReadAll(b)
	if err != nil || len(got) != writers*records*size {
		t.Fatalf("read %d bytes, %v; want %d", len(got), err, writers*records*size)
	}
	for len(got) > 0 {
		if record := got[:size]; !bytes.Equal(record, bytes.Repeat(record[:1], size)) {
			t.Fatalf("bytes of two writes are mixed: %x", record)
		}
		got = got[size:]
	}
}

func TestEmptyReadAndWrite(t *testing.T) {
	a, b := pipe.New(1)
	defer a.Close()
	defer b.Close()
	mustWrite(t, a, "x")
	mustWrite(t, a, "") // full, but there is nothing to wait for
	for _, p := range [][]byte{nil, {}} {
		if n, err := a.Read(p); n != 0 || err != nil {
			t.Errorf("Read of nothing = %d, %v; want 0, nil", n, err)
		}
	}
}

func TestAddr(t *testing.T) {
	a, b := pipe.New(0)
	defer a.Close()
	defer b.Close()
	for _, c := range []net.Conn{a, b} {
		for _, got := range []net.Addr{c.LocalAddr(), c.RemoteAddr()} {
			if got.Network() != "pipe" || got.String() != "pipe" {
				t.Errorf("address %s %s, want pipe pipe", got.Network(), got)
			}
		}
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	x, y := pipe.New(0)
	defer x.Close()
	go func() {
		defer y.Close()
		buf := make([]byte, 4096)
		for {
			n, err := y.Read(buf)
			if err != nil {
				return
			}
			if _, err := y.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 128)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.Write(buf); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(x, buf); err != nil {
			b.Fatal(err)
		}
	}
}
