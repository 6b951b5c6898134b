package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Upgrades connects, does the opening handshake and hangs up, again and again, from a
// few goroutines, until the time is over. A raw server sends the request back. It
// returns the number of handshakes.
func Upgrades(addr string, raw bool, d time.Duration) (int, error) {
	var (
		group sync.WaitGroup
		count atomic.Int64
		mu    sync.Mutex
		all   []error
	)
	end := time.Now().Add(d)
	for range 8 {
		group.Go(func() {
			for time.Now().Before(end) {
				if err := upgradeOnce(addr, raw); err != nil {
					mu.Lock()
					defer mu.Unlock()
					all = append(all, err)
					return
				}
				count.Add(1)
			}
		})
	}
	group.Wait()
	return int(count.Load()), errors.Join(all...)
}

var endOfHead = []byte("\r\n\r\n")

func upgradeOnce(addr string, raw bool) error {
	c, err := net.DialTimeout("tcp", addr, timeout)
	if err != nil {
		return err
	}
	defer c.Close()
	// A reset leaves no socket behind that waits for minutes.
	if err := c.(*net.TCPConn).SetLinger(0); err != nil {
		return err
	}
	if err := c.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	request := "GET / HTTP/1.1\r\nHost: " + addr + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: " + key + "\r\nSec-WebSocket-Version: 13\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n" +
		"Accept-Encoding: gzip, deflate\r\nAccept-Language: en-US,en;q=0.9\r\nCache-Control: no-cache\r\nPragma: no-cache\r\n\r\n"
	if _, err := io.WriteString(c, request); err != nil {
		return err
	}
	buf, n := make([]byte, 2048), 0
	for !bytes.HasSuffix(buf[:n], endOfHead) {
		m, err := c.Read(buf[n:])
		if err != nil {
			return err
		}
		n += m
	}
	if !raw && !bytes.HasPrefix(buf, []byte("HTTP/1.1 101 ")) {
		return fmt.Errorf("the server answers %q", buf[:n])
	}
	return nil
}
