package handshake

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Results have nothing in common with the memory that the next handshake uses again.
func TestAcceptResultsAreKept(t *testing.T) {
	var got, want []string
	var results []Result
	for i := range 100 {
		target, host, early := fmt.Sprintf("/%d", i), fmt.Sprintf("h%d.example", i), strings.Repeat("x", i)
		s := strings.NewReplacer("/chat?x", target, "example.com", host).Replace(example)
		o := &ServerOptions{Subprotocols: []string{"p"}, Negotiate: func(e []Extension) []Extension { return e }}
		s = strings.Replace(s, "\r\n\r\n", fmt.Sprintf("\r\n%s: e%d; p=%d\r\n\r\n", wireExtensions, i, i), 1)
		result, err := Accept(&scriptConn{r: strings.NewReader(s + early)}, o)
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, result)
		want = append(want, fmt.Sprint(target, host, early, []Extension{{fmt.Sprintf("e%d", i), []Param{{"p", strconv.Itoa(i)}}}}))
	}
	for _, r := range results {
		got = append(got, fmt.Sprint(r.Target, r.Host, string(r.Buffered), r.Extensions))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A request leaves nothing behind for the one that is read into the same memory.
func TestMemoryForgets(t *testing.T) {
	m := &memory{req: new(Request)}
	everything := strings.Replace(example, "\r\n\r\n", "\r\nOrigin: a\r\n"+wireProtocol+": a\r\n"+
		wireExtensions+": a\r\nTransfer-Encoding: x\r\n\r\n", 1)
	for range 2 {
		if err := m.head.read(strings.NewReader(everything), 1000); err != nil || m.parse(false) != nil || !m.req.Body {
			t.Fatal(err)
		}
		m.forget()
		want := Request{
			Host: []string{}, Upgrade: []string{}, Connection: []string{}, Key: []string{},
			Version: []string{}, Protocol: []string{}, Extensions: []string{}, Origin: []string{},
		}
		if diff := cmp.Diff(&want, m.req, cmp.AllowUnexported(Request{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for k := kindHost; k < kinds; k++ {
			if list := (*m.req.list(k))[:1]; list[0] != "" {
				t.Errorf("%s: %q", kindNames[k], list)
			}
		}
		if m.head.end != 0 || len(m.head.buf) > 0 || len(m.head.fields) > 0 {
			t.Errorf("head %+v", m.head)
		}
	}
}
