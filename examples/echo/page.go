package main

import (
	"crypto/sha256"
	_ "embed" // for index.html
	"encoding/base64"
	"io"
	"net/http"
	"strings"
)

//go:embed index.html
var indexHTML string

// newPage returns the handler of GET /. Other paths are answered 404 and other
// methods 405, by ServeMux.
func newPage() http.Handler {
	policy := contentSecurityPolicy(indexHTML)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = io.WriteString(w, indexHTML)
	})
	return mux
}

// contentSecurityPolicy allows the page its own style and script, named by their
// hashes, its icon and WebSockets. Whatever else might get into it is inert.
func contentSecurityPolicy(page string) string {
	return "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
		"img-src data:; connect-src ws: wss:; style-src " + hash(page, "style") + "; script-src " + hash(page, "script")
}

// hash returns the source expression of the only element of that name in page.
func hash(page, element string) string {
	_, rest, _ := strings.Cut(page, "<"+element+">")
	text, _, _ := strings.Cut(rest, "</"+element+">")
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
