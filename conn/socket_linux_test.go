//go:build linux && (amd64 || arm64)

package conn

import (
	"net"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// deafen has a socket take no packet any more, as if its machine had gone.
func deafen(t *testing.T, nc net.Conn) {
	t.Helper()
	const drop = 0x06 // BPF: return a constant, 0
	program := syscall.SockFprog{Len: 1, Filter: &syscall.SockFilter{Code: drop}}
	rc, err := nc.(*net.TCPConn).SyscallConn()
	must(t, err)
	must(t, rc.Control(func(fd uintptr) {
		if _, _, errno := syscall.Syscall6(syscall.SYS_SETSOCKOPT, fd, syscall.SOL_SOCKET, syscall.SO_ATTACH_FILTER,
			uintptr(unsafe.Pointer(&program)), unsafe.Sizeof(program), 0); errno != 0 {
			t.Error(errno)
		}
	}))
}

// What is sent to a peer that has gone is sent again and again, and shows no life.
func TestLastSentWithoutAnAnswer(t *testing.T) {
	a, b := tcpPair(t)
	c := New(a, Start{Role: Server}, nil)
	defer c.CloseNow()
	deafen(t, b)
	must(t, c.Write(background, Text, []byte("x")))
	written := time.Now()
	for end := written.Add(20 * time.Second); ; {
		info, ok := c.socket.info()
		if !ok || time.Now().After(end) {
			t.Fatalf("sent again %d times", info.Total_retrans)
		}
		if info.Total_retrans > 1 {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	if last := c.lastSent(); last.After(written.Add(10 * time.Millisecond)) {
		t.Errorf("something was sent %v after the message", last.Sub(written))
	}
}
