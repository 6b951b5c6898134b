// Package drain ends the connections of a server gracefully, for example when the program
// is to stop: http.Server.Shutdown neither sees them nor waits for them.
//
// A [Group] knows the connections of a server. Its method [Group.Admit] is the value of
// the field Admit of [conn.Options], for servers that use [conn.Accept], [conn.Handler] or
// [conn.Listen] alike. [Group.Drain] then does it all. New connections are refused with
// status 503 and a Retry-After field. Each connection is closed with status 1001, going
// away, one after the other and in no order, so that clients do not all come back at
// once. What clients still send before they answer is delivered to whoever reads. Who
// has not answered in time is cut. When every connection has ended, Drain returns and
// says how each did.
//
// A connection belongs to its Group before its client can know that it was accepted, so
// none is missed that comes into being while a drain begins. One that is made by
// [conn.New] belongs to it if the program calls Admit itself, before it accepts.
//
// The functions that serve connections may still be on their way back when Drain returns.
// A program that has to wait for them counts them with a sync.WaitGroup of its own.
//
// RFC 6455, sections 7.1.2 and 7.4.1.
package drain
