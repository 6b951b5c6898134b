package main

import (
	"bytes"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
)

// What the log says of a connection, at each level.
func TestLogHooks(t *testing.T) {
	for _, test := range []struct {
		level slog.Level
		want  []string
	}{
		{slog.LevelDebug, []string{
			`level=INFO msg=opened remote=pipe`,
			`level=DEBUG msg=received remote=pipe type=text size=300 wire=N`,
			`level=DEBUG msg=sent remote=pipe type=text size=300 wire=N`,
			`level=DEBUG msg=received remote=pipe type=binary size=2 wire=N`,
			`level=DEBUG msg=sent remote=pipe type=binary size=2 wire=N`,
			`level=INFO msg=closed remote=pipe who=peer why="closed with 4xxx" lasted=0s error="duplex: closed by the peer: 4001: \"a \\\"quoted\\\" reason\""`,
		}},
		{slog.LevelInfo, []string{
			`level=INFO msg=opened remote=pipe`,
			`level=INFO msg=closed remote=pipe who=peer why="closed with 4xxx" lasted=0s error="duplex: closed by the peer: 4001: \"a \\\"quoted\\\" reason\""`,
		}},
	} {
		t.Run(test.level.String(), func(t *testing.T) {
			var b bytes.Buffer
			log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{
				Level: test.level,
				ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
					if a.Key == slog.TimeKey {
						return slog.Attr{}
					}
					return a
				},
			}))
			pipe(t, logHooks(log), func(c *conn.Conn) {
				if err := talk(c.Context(), c, strings.Repeat("abc", 100)); err != nil {
					t.Error(err)
				}
				if err := c.Write(c.Context(), conn.Binary, []byte("xy")); err != nil {
					t.Error(err)
				}
				if _, _, err := c.Read(c.Context()); err != nil {
					t.Error(err)
				}
				_ = c.Close(c.Context(), 4001, `a "quoted" reason`)
			})
			got := regexp.MustCompile(`wire=\d+`).ReplaceAllString(strings.TrimSpace(b.String()), "wire=N")
			if diff := cmp.Diff(test.want, strings.Split(got, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A rule that is broken is a warning, and so is a connection that had to be cut.
func TestLogHooksWarn(t *testing.T) {
	var b bytes.Buffer
	pipe(t, logHooks(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelWarn}))), func(c *conn.Conn) {
		if _, err := c.NetConn().Write([]byte{0x81, 0}); err != nil { // not masked
			t.Error(err)
		}
		_ = c.Discard(c.Context())
	})
	if got := b.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `level=WARN msg=failed`) || !strings.Contains(got, "section 5.1") {
		t.Errorf("log: %s", got)
	}
}
