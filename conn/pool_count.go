//go:build poolcount && !race

package conn

import (
	"runtime"
	"sync"
	"unsafe"
)

// mark counts memory that was taken from a pool and has not gone back. The tag poolcount is
// for tests. The race detector has a mark of its own, since the lock of this one would order
// what is not ordered without it.
type mark struct{}

// taken are the calls that have taken what is out, by its address. Once it has grown,
// noting one allocates nothing.
var taken = struct {
	mu  sync.Mutex
	out map[*byte][16]uintptr
}{out: map[*byte][16]uintptr{}}

func (*mark) give(b []byte) {
	taken.mu.Lock()
	delete(taken.out, unsafe.SliceData(b))
	taken.mu.Unlock()
}

func (*mark) take(b []byte) {
	var calls [16]uintptr
	runtime.Callers(2, calls[:])
	taken.mu.Lock()
	taken.out[unsafe.SliceData(b)] = calls
	taken.mu.Unlock()
}
