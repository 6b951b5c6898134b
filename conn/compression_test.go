package conn

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// jsonText returns text of about n bytes as an API would send it, a different one for
// every seed.
func jsonText(n, seed int) string {
	var b strings.Builder
	b.WriteString(`[`)
	for i := 0; b.Len() < n; i++ {
		x := uint64(seed*1000+i) * 0x9E3779B97F4A7C15
		fmt.Fprintf(&b, `{"id":%d,"name":"user-%x","price":%d.%02d,"tags":["new","sale"],"active":%t},`,
			seed*1000+i, x>>40, x>>52, x>>32%100, x>>20&1 == 0)
	}
	return b.String()[:n-1] + "]"
}

// compressionPairs are settings of client and server.
var compressionPairs = map[string][2]*Compression{
	"defaults":             {{}, {}},
	"all compressed":       {{MinSize: -1}, {MinSize: -1}},
	"no takeover":          {{ClientNoContextTakeover: true, ServerNoContextTakeover: true}, {}},
	"least windows":        {{ServerMaxWindowBits: 8, ClientMaxWindowBits: 8}, {}},
	"largest windows":      {{ServerMaxWindowBits: 15, ClientMaxWindowBits: 15}, {ServerMaxWindowBits: 15, ClientMaxWindowBits: 15}},
	"best":                 {{Level: 9}, {Level: 9}},
	"takeover one way":     {{}, {ServerNoContextTakeover: true}},
	"takeover other way":   {{}, {ClientNoContextTakeover: true}},
	"out of range, nearer": {{Level: 99, ServerMaxWindowBits: 99, ClientMaxWindowBits: -1}, {Level: -99, ClientMaxWindowBits: 1}},
}

// Every message arrives as it was sent, in both directions, whatever was agreed.
func TestCompressedEcho(t *testing.T) {
	for name, pair := range compressionPairs {
		t.Run(name, func(t *testing.T) {
			client, server := Pipe(&Options{Compression: pair[0]}, &Options{Compression: pair[1]})
			defer client.CloseNow()
			defer server.CloseNow()
			go func() {
				_ = echo(background, server)
			}()
			for i := range 60 / min(sample, 5) {
				n := []int{1, 2, 127, 128, 129, 1000, 4096, 5000, 65535, 65536, 70_000, 200_000}[i%12]
				text := jsonText(n+1, i)
				var err error
				switch i % 3 {
				case 0:
					err = client.Write(background, Text, []byte(text))
				case 1:
					err = client.Write(background, Text.Plain(), []byte(text))
				default:
					var w io.WriteCloser
					w, err = client.Writer(background, Text)
					must(t, err)
					_, err = io.Copy(w, strings.NewReader(text))
					must(t, err)
					err = w.Close()
				}
				must(t, err)
				expectMessage(t, client, background, Text, text)
			}
		})
	}
}

// echo returns every message until reading fails.
func echo(ctx context.Context, c *Conn) error {
	var buf []byte
	for {
		t, p, err := c.ReadAppend(ctx, buf[:0])
		if err != nil {
			return err
		}
		if err := c.Write(ctx, t, p); err != nil {
			return err
		}
		buf = p
	}
}

// Accept and Dial agree to what both want.
func TestCompressionNegotiated(t *testing.T) {
	for _, test := range []struct {
		name           string
		client, server *Compression
		want           string // the response
	}{
		{"both", &Compression{}, &Compression{}, "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"},
		{"client only", &Compression{}, nil, ""},
		{"server only", nil, &Compression{}, ""},
		{"neither", nil, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := httptest.NewServer(Handler(func(ctx context.Context, c *Conn) error {
				return echo(ctx, c)
			}, &Options{Compression: test.server}))
			defer s.Close()
			c, err := Dial(background, s.URL, &DialOptions{Options: Options{Compression: test.client}})
			must(t, err)
			defer c.CloseNow()
			if diff := cmp.Diff(test.want, c.ResponseHeader().Get("Sec-WebSocket-Extensions")); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			if got, want := c.deflate != nil, test.want != ""; got != want {
				t.Errorf("compresses: %t, want %t", got, want)
			}
			text := jsonText(3000, 1)
			for range 3 {
				must(t, c.Write(background, Text, []byte(text)))
				expectMessage(t, c, background, Text, text)
			}
			must(t, c.Close(background, StatusNormalClosure, ""))
		})
	}
}
