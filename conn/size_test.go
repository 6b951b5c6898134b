//go:build amd64 || arm64

package conn

import (
	"testing"
	"unsafe"
)

// A connection that is silent consists of little more than its Conn, which fits in the
// runtime's size class of 576 bytes. What only some connections need is made when it is
// needed, and hangs on a pointer.
func TestConnSize(t *testing.T) {
	const class, header = 576, 8 // the runtime's, of a large object that holds pointers
	if size := unsafe.Sizeof(Conn{}); size > class-header {
		t.Errorf("a Conn has %d bytes, want at most %d", size, class-header)
	}
}
