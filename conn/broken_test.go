package conn_test

import (
	"bytes"
	"context"
	"errors"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/duplexws/duplex/conn"
)

// A server that gives up on a large message says why, and stops reading. The client
// must learn the reason, and not only that its stream is broken.
func TestWriteLearnsWhyThePeerGaveUp(t *testing.T) {
	u := serve(t, conn.Handler(func(ctx context.Context, c *conn.Conn) error {
		_, _, err := c.Read(ctx)
		return err
	}, &conn.Options{ReadLimit: 1000}))
	for _, reading := range []bool{false, true} {
		c, err := conn.Dial(testContext(t), u, nil)
		if err != nil {
			t.Fatal(err)
		}
		read := make(chan error, 1)
		if reading {
			go func() { read <- c.Discard(testContext(t)) }()
		}
		err = c.Write(testContext(t), conn.Binary, make([]byte, 64<<20))
		if ce, ok := errors.AsType[*conn.CloseError](err); !ok || ce.Code != conn.StatusMessageTooBig {
			t.Errorf("reading %v: Write returned %v", reading, err)
		}
		if reading {
			if rerr := <-read; rerr != err {
				t.Errorf("Read returned %v, Write %v", rerr, err)
			}
		} else if _, _, rerr := c.Read(testContext(t)); rerr != err {
			t.Errorf("Read returned %v, Write %v", rerr, err)
		}
	}
}

// A fault of the server itself is logged, for the client gets to know little about it.
func TestHandlerLogsItsOwnFaults(t *testing.T) {
	var logged bytes.Buffer
	s := httptest.NewUnstartedServer(conn.Handler(func(context.Context, *conn.Conn) error { return nil },
		&conn.Options{Origins: []string{"http://"}}))
	s.Config.ErrorLog = log.New(&logged, "", 0)
	s.Start()
	_, err := conn.Dial(testContext(t), s.URL, nil)
	s.Close()
	if err == nil || !strings.Contains(logged.String(), "http://") {
		t.Errorf("Dial returned %v, the log has %q", err, logged.String())
	}
}
