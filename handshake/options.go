package handshake

import (
	"context"
	"math"
	"net/http"
	"time"
)

// Limits of this implementation; the options change them.
const (
	defaultTimeout        = 10 * time.Second
	defaultRequestHead    = 8 << 10
	defaultResponseHead   = 64 << 10
	maxRedirects          = 10
	maxInformational      = 5
	maxErrorBody          = 4 << 10
	errorBodyTime         = 2 * time.Second
	refusalTime           = time.Second
	lingerTime            = 250 * time.Millisecond
	lingerBytes           = 64 << 10
	firstRead             = 1 << 10
	maxIdleReads          = 100 // without a byte or an error
	unlimited             = math.MaxInt32
	tooManyInformational  = "more than 5 informational responses"
	reasonOptions         = "the server's handshake options are invalid"
	reasonClientOptions   = "the dial options are invalid"
	contentTypeOfRefusals = "text/plain; charset=utf-8"
)

// ServerOptions tells [Upgrade], [Accept] and Verdict what a server agrees to. The
// zero value and a nil pointer are ready to use: no subprotocol, no extension, the
// server's own origin only. The options are only read, so that one value may serve
// any number of handshakes at a time.
type ServerOptions struct {
	// Subprotocols are those the server speaks: tokens, all different. The first
	// one in the client's list that is among them is chosen; if there is none, the
	// handshake goes on without subprotocol. Names are compared to the letter.
	Subprotocols []string

	// Origins widens the check of the Origin field, by which browsers tell whose
	// script asks for a connection. Without it, an Origin must be of the host that
	// the request is addressed to, whether by http or https. A request without
	// Origin does not come from a browser and is accepted; other clients can send
	// what they like, so that an origin authenticates nobody.
	//
	// Each element is one of
	//
	//	example.com              http or https, at the default port of either
	//	example.com:8080         http or https, at that port
	//	example.com:*            at any port
	//	*.example.com            any subdomain of example.com, not itself
	//	https://example.com      that scheme only; any scheme may be named
	//	null                     the opaque origin of sandboxed documents and files
	//	*                        every origin
	//
	// Scheme, host and port are compared as such, never by prefix or suffix of the
	// text. Case does not matter; names that are not ASCII are written in their
	// xn-- form, as browsers send them.
	Origins []string

	// Negotiate chooses from the extensions that the client has offered, in the
	// order of its preference, and returns those that the server agrees to, with
	// the parameters to answer. It is called once for each request that has offers
	// and passed every other check. Names have to be among the offers and all
	// different. A nil func agrees to none.
	Negotiate func(offers []Extension) []Extension

	// Check has the last word about a request that passed every other check: it may
	// look up who sent it and what it asks for. The request is accepted if the error is
	// nil. An [*Error] with a Status from 300 to 599 is the answer, with its Header, for
	// example 401 and WWW-Authenticate, or 404; its Reason is told to the client, its
	// Err is not. Any other error is answered with 500 and not told to the client.
	// [Upgrade] and [Accept] return the error.
	//
	// ctx ends when Timeout is over; under net/http it is the request's besides. The
	// strings of the request may be kept, the request and its slices may not. Target is
	// the resource name and Host has one element, the authority, also if the target
	// came in absolute form; [Request.Header] has all fields. A nil func accepts all.
	Check func(ctx context.Context, r *Request) error

	// Header has further fields for the 101 response. Those that belong to the
	// handshake or to HTTP framing cannot be set.
	Header http.Header

	// Timeout bounds the whole handshake: reading the request ([Accept] only) and
	// writing the response. 0 is 10 seconds, negative is no limit.
	Timeout time.Duration

	// MaxHeaderBytes bounds the head of the request in [Accept]: request line and
	// fields with their line ends. 0 is 8 KiB, negative is no limit. Under net/http,
	// http.Server.MaxHeaderBytes is in force instead.
	MaxHeaderBytes int
}

// defaultServer stands for a nil pointer.
var defaultServer ServerOptions

// check judges what the options' owner has written.
func (o *ServerOptions) check() error {
	if err := checkSubprotocols(o.Subprotocols); err != nil {
		return err
	}
	if err := checkOrigins(o.Origins); err != nil {
		return err
	}
	return checkHeader(o.Header)
}

// orElse is the convention of the numbers in options: zero is the default, negative
// is none.
func orElse(n, zero, negative int) int {
	switch {
	case n == 0:
		return zero
	case n < 0:
		return negative
	}
	return n
}
