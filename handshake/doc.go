// Package handshake implements the opening handshake of RFC 6455, client and
// server: sections 3, 4, 9.1, 10.2 and 11.3.
//
// A server calls [Upgrade] in a handler of net/http, or [Accept] on a connection of
// its own, without an HTTP server, which takes one allocation. Both parse, fill a [Request] and leave every
// judgement to one function without I/O, [ServerOptions.Verdict]; a front end of
// another kind does the same and writes what [Response.Append] gives it. A client
// calls [Dial]. Either way the outcome is a net.Conn and a [Result]: what was
// agreed, and the bytes that arrived together with the handshake, which begin the
// first frame. The package knows nothing of frames: package frame does, and package
// conn puts the two together.
//
// # Server
//
// By default a server accepts browsers from its own origin only, no subprotocol and
// no extension; [ServerOptions] has the rest. Every request that is refused gets a
// complete HTTP response before the connection is taken over: its status tells what
// kind of mistake it was, see Verdict, and its text names it and the section of the
// RFC. Field names and tokens are folded as ASCII, lists may be spread over several
// lines, and what breaks the grammar is refused. ServerOptions.Check has the last word:
// there a server authenticates the client and looks at the resource name.
//
// # Client
//
// A client checks the response as strictly. It accepts no subprotocol and no
// extension that it has not offered. [DialOptions] has the fields of the request,
// TLS, proxies and cookies; Dial describes URLs and redirects.
//
// # Extensions
//
// Extensions are values, [Extension], parsed and written by [ParseExtensions] and
// [AppendExtensions]. The package checks that a response only selects from the
// offers and names none twice. What the parameters mean is the business of who
// implements the extension: ServerOptions.Negotiate chooses on the server,
// DialOptions.Agreed judges on the client.
//
// # Bounds
//
// Whatever a peer sends, a handshake ends within bounds of size and time that the
// options state. Interrupting it never leaves a deadline on a connection that is
// handed to the caller.
//
// # Ownership and concurrency
//
// Options are only read, and may be shared by concurrent handshakes. They must not
// be changed while one uses them. Results belong to the caller; the strings in a
// [Request] and the slices a function is given are not changed. All functions may be
// called concurrently. No goroutine outlives the call that started it.
package handshake
