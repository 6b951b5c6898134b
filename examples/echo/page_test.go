package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestPage uses the page as a person would, in a browser.
func TestPage(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	browser := startChromium(ctx, t)
	for _, test := range []struct {
		name       string
		args       []string
		extensions string
	}{
		{"http", nil, "extensions: permessage-deflate"},
		{"https", []string{"-tls"}, "extensions: permessage-deflate"},
		{"without compression", []string{"-compress=false"}, "extensions: none"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := startServer(t, test.args...)
			p, err := newTab(ctx, browser)
			if err != nil {
				t.Fatal(err)
			}
			u := &user{t, p}
			// The certificate made in memory is one that a person has to accept.
			u.must(u.call(ctx, "Security.setIgnoreCertificateErrors", params{"ignore": true}, nil))
			r := newRelay(t, s.http)
			u.must(u.open(ctx, r.through(s.http)))
			u.sees(ctx, "state", "open")
			u.sees(ctx, "url", r.through(s.ws))
			u.sees(ctx, "extensions", test.extensions)
			compressed(ctx, u, r, test.extensions != "extensions: none")
			usePage(ctx, u, s)
		})
	}
}

// compressed sends a long text and checks by what passes the relay whether the browser
// and the server have compressed it.
func compressed(ctx context.Context, u *user, r *relay, want bool) {
	u.t.Helper()
	text := strings.Repeat("Grüße, 世界. ", 1000)
	toServer, toClient := r.toServer.Load(), r.toClient.Load()
	u.must(u.enter(ctx, "text", text))
	u.must(u.click(ctx, "send", 1))
	u.seesEcho(ctx, []string{"text", text, strconv.Itoa(len(text))})
	wantCompressed(u.t, len(text), r.toServer.Load()-toServer, r.toClient.Load()-toClient, want)
}

func usePage(ctx context.Context, u *user, s *server) {
	u.t.Helper()
	u.must(u.enter(ctx, "text", "Grüße, 世界"))
	u.must(u.click(ctx, "send", 1))
	u.seesEcho(ctx, []string{"text", "Grüße, 世界", "15"})
	u.must(u.click(ctx, "binary", 1))
	u.must(u.enter(ctx, "text", "<b>bytes</b>"))
	u.must(u.click(ctx, "send", 1))
	u.seesEcho(ctx, []string{"binary", "<b>bytes</b>", "12"})

	u.sees(ctx, "connect", "Disconnect")
	u.must(u.click(ctx, "connect", 1))
	u.sees(ctx, "state", "closed: 1000 (normal closure)")
	u.must(u.click(ctx, "connect", 1))
	u.sees(ctx, "state", "open")
	if code := s.stop(); code != 0 {
		u.t.Errorf("exit status of the server: got %d, want 0", code)
	}
	u.sees(ctx, "state", "closed: 1001 (going away): "+stopReason)
	if diff := cmp.Diff([]string(nil), u.problems); diff != "" {
		u.t.Errorf("exceptions and errors on the console (-want +got):\n%s", diff)
	}

	// Now there is no server. The browser says so on the console, as it should; the
	// page shows it and can be used again.
	u.must(u.click(ctx, "connect", 1))
	u.sees(ctx, "state", "closed: 1006 (no Close frame arrived)")
	u.sees(ctx, "connect", "Connect")
}

// user is somebody who looks at a page and expects something of it.
type user struct {
	t *testing.T
	*tab
}

func (u *user) must(err error) {
	u.t.Helper()
	if err != nil {
		u.t.Fatal(err)
	}
}

// patience is how long anything on the page may take.
const patience = 15 * time.Second

// sees waits until the text of the element with this id starts with want.
func (u *user) sees(ctx context.Context, id, want string) {
	u.t.Helper()
	element := `document.getElementById("` + id + `").textContent`
	quoted, err := json.Marshal(want)
	u.must(err)
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := u.until(waiting, element+".startsWith("+string(quoted)+")", nil); err != nil {
		var got string
		err = errors.Join(err, u.eval(ctx, element, &got))
		u.t.Fatalf("#%s: got %q, want it to start with %q: %v", id, got, want, err)
	}
}

var roundTrip = regexp.MustCompile(`^\d+\.\d\d ms$`)

// seesEcho waits until the latest message has come back, and checks what the page
// tells of it: its type, what came back, its size.
func (u *user) seesEcho(ctx context.Context, want []string) {
	u.t.Helper()
	var cells []string
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	u.must(u.until(waiting, `(() => {
		const cells = [...document.querySelector("#log tr").cells].map(cell => cell.textContent);
		return cells.at(-1) && cells; // the round trip comes last
	})()`, &cells))
	if len(cells) != 5 || cells[0] == "" || !roundTrip.MatchString(cells[4]) {
		u.t.Fatalf("row of an echo: got %q, want time, type, text, size, round trip", cells)
	}
	if diff := cmp.Diff(want, cells[1:4]); diff != "" {
		u.t.Errorf("type, text and size of an echo (-want +got):\n%s", diff)
	}
}

// TestPagePolicy needs no browser: a browser ignores inline code without a hash.
func TestPagePolicy(t *testing.T) {
	s := startServer(t)
	resp, err := http.Get(s.http)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	page, policy := string(body), resp.Header.Get("Content-Security-Policy")
	for _, element := range []string{"style", "script"} {
		if n := strings.Count(page, "<"+element); n != 1 {
			t.Errorf("elements <%s>: got %d, want 1, for which the policy has the hash", element, n)
		}
		if source := element + "-src " + hash(page, element); !strings.Contains(policy, source) {
			t.Errorf("Content-Security-Policy: got %s, want it to have %s", policy, source)
		}
	}
	for _, no := range []string{` style="`, ` onclick="`, ` src="`, "unsafe-inline"} {
		if strings.Contains(page+policy, no) {
			t.Errorf("the page has %q", no)
		}
	}
}
