package main

import (
	"context"
	"encoding/pem"
	"errors"
	"flag"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
)

// suite stands in for the fuzzingserver. It has two cases, of which the second ends in a
// violation, and notes what the client asks for and sends.
type suite struct {
	count  string // the answer to /getCaseCount
	fails  bool   // when asked for the report
	offers bool   // to be noted

	one  sync.Mutex // held by a connection until it has noted what it saw
	mu   sync.Mutex
	seen []string
}

func (s *suite) note(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, line)
}

func (s *suite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.one.Lock()
	defer s.one.Unlock()
	s.note(r.URL.RequestURI())
	if s.offers {
		s.note(r.Header.Get("Sec-WebSocket-Extensions"))
	}
	c, err := conn.Accept(w, r, nil)
	if err != nil {
		s.note(err.Error())
		return
	}
	defer c.CloseNow()
	ctx := r.Context()
	switch {
	case r.URL.Path == "/getCaseCount":
		_ = c.Write(ctx, conn.Text, []byte(s.count))
	case r.URL.Path == "/runCase" && r.FormValue("case") == "1":
		s.exchange(ctx, c, conn.Text, "\u00e9")
		s.exchange(ctx, c, conn.Binary, "\xff")
	case r.URL.Path == "/runCase":
		_, _ = c.NetConn().Write([]byte{0xF1, 0x00}) // reserved bits
		_, _, err := c.Read(ctx)
		var ce *conn.CloseError
		if errors.As(err, &ce) {
			s.note(ce.Code.String())
		}
		return
	}
	if r.URL.Path == "/updateReports" && s.fails {
		_ = c.Close(ctx, conn.StatusInternalError, "")
		return
	}
	_, _ = c.NetConn().Write([]byte{0x88, 0x00}) // the suite closes without a code
	_, _, _ = c.Read(ctx)
}

// exchange sends a message and notes what comes back.
func (s *suite) exchange(ctx context.Context, c *conn.Conn, t conn.MessageType, msg string) {
	if err := c.Write(ctx, t, []byte(msg)); err != nil {
		s.note(err.Error())
		return
	}
	got, b, err := c.Read(ctx)
	switch {
	case err != nil:
		s.note(err.Error())
	case got == conn.Text:
		s.note("text " + string(b))
	case got == conn.Binary:
		s.note("binary " + string(b))
	}
}

func TestRunsEveryCase(t *testing.T) {
	want := []string{
		"/getCaseCount",
		"/runCase?agent=an+agent&case=1", "text \u00e9", "binary \xff",
		"/runCase?agent=an+agent&case=2", "1002 (protocol error)",
		"/updateReports?agent=an+agent",
	}
	for _, secure := range []string{"ws", "wss"} {
		t.Run(secure, func(t *testing.T) {
			s := &suite{count: "2"}
			srv := httptest.NewUnstartedServer(s)
			args := []string{"-agent", "an agent", "-url"}
			if secure == "wss" {
				srv.StartTLS()
				ca := filepath.Join(t.TempDir(), "ca.pem")
				block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
				if err := os.WriteFile(ca, block, 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, "wss"+strings.TrimPrefix(srv.URL, "https"), "-ca", ca)
			} else {
				srv.Start()
				args = append(args, "ws"+strings.TrimPrefix(srv.URL, "http"))
			}
			defer srv.Close()
			if err := run(t.Context(), args, io.Discard, io.Discard); err != nil {
				t.Error(err)
			}
			s.one.Lock()
			defer s.one.Unlock()
			s.mu.Lock()
			defer s.mu.Unlock()
			if diff := cmp.Diff(want, s.seen); diff != "" {
				t.Errorf("what the suite saw (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCompress checks what every connection offers.
func TestCompress(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"default", nil, "permessage-deflate"},
		{"on", []string{"-compress"}, "permessage-deflate"},
		{"off", []string{"-compress=false"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &suite{count: "0", offers: true}
			srv := httptest.NewServer(s)
			defer srv.Close()
			args := append(tt.args, "-url", "ws"+strings.TrimPrefix(srv.URL, "http"))
			if err := run(t.Context(), args, io.Discard, io.Discard); err != nil {
				t.Error(err)
			}
			s.one.Lock()
			defer s.one.Unlock()
			var got []string
			for _, line := range s.seen {
				name, _, _ := strings.Cut(line, ";")
				got = append(got, name)
			}
			want := []string{"/getCaseCount", tt.want, "/updateReports?agent=duplex", tt.want}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("what the suite saw (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFails covers what keeps a run from being complete. An untrusted certificate is
// among it: the client must not trust whatever comes.
func TestFails(t *testing.T) {
	for _, tt := range []struct {
		name  string
		suite *suite
		start func(*httptest.Server)
		want  string
	}{
		{"no number of cases", &suite{count: "many"}, (*httptest.Server).Start, "the number of cases"},
		{"no report", &suite{count: "0", fails: true}, (*httptest.Server).Start, "report written"},
		{"a certificate that is not trusted", &suite{count: "0"}, (*httptest.Server).StartTLS, "certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewUnstartedServer(tt.suite)
			srv.Config.ErrorLog = log.New(io.Discard, "", 0) // it expects the failed handshake
			tt.start(srv)
			defer srv.Close()
			url := "ws" + strings.TrimPrefix(srv.URL, "http")
			err := run(t.Context(), []string{"-url", url}, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestFlags(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(notPEM, []byte("certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"extra"}, "unexpected argument"},
		{[]string{"-ca", filepath.Join(t.TempDir(), "missing")}, "missing"},
		{[]string{"-ca", notPEM}, "no certificate"},
		{[]string{"-limit", "many"}, "invalid value"},
	} {
		err := run(t.Context(), tt.args, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: error %v, want one with %q", tt.args, err, tt.want)
		}
	}
	if err := run(t.Context(), []string{"-h"}, io.Discard, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}
