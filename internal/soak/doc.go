// Package soak runs servers and clients of all sorts against each other for a long time, with
// faults on the way, and sees to it that nothing is lost and nothing is left. It has nothing
// but tests. With go test it takes some seconds, so that it does not rot; what it is for is
//
//	make soak SOAKTIME=15m
//
// # Who takes part
//
// Four servers, behind net/http and with conn.Listen, each over TCP and over TLS, with different
// settings of compression. Each has applications that read and write in all the ways that there
// are, and a feed that is broadcast with Post. A server ends connections at random, and every few
// seconds one is drained and started anew.
//
// Clients that send messages and wait for what comes back: plain, compressed with context
// takeover and without, in fragments, up to the limit in size, many at a time, slow to read,
// or cancelling what they do at random moments. They reconnect until they are done. Others
// follow the feed, most of them too slowly, and are closed if they do not keep up: two of the
// servers leave that to Post, two to the application. Others are idle and ping. One in five
// misbehaves in one of the ways listed at attacks, and each of these has to end as is written
// there.
//
// Half of the connections go through a relay, which delays, cuts into segments of one byte,
// stalls, falls silent, closes or resets them.
//
// # What must hold
//
// A client and a server have a session, which may take many connections. Its messages are
// numbered, and what each consists of follows from session and number. A message was
// delivered when a server's application has been given it. It is acknowledged when it has come
// back to the client, or when the server has said, at the beginning of a later connection, that
// it had been delivered. Then:
//
//   - The application is given the messages in their order, each once, unchanged, from the first
//     to the last that was acknowledged, and none that was not sent.
//   - They come back in their order, each at most once, and not before they were delivered.
//   - On one connection there is no gap. What an end that closes it does not come to read in time is
//     dropped, with all that follows, and sent again on the next connection.
//   - Every message of a session is acknowledged in the end. Nobody waits 30 s for an answer on
//     a connection that lives.
//   - If a write was cancelled and the connection goes on, nothing of the message has left: it
//     is sent again, under the same number.
//   - If a client has closed a connection with 1000, what it had written before was delivered,
//     unless the server itself has closed the connection. What it had posted may be dropped.
//   - The feed has no gap, and is unchanged. Who does not keep up is told so, with 1013 and the
//     right reason, be it by Post or by the application, and gets nothing that Post has refused.
//   - When a drain has returned, all connections of that server have ended, and their functions
//     return.
//   - No peer of ours is told that it has broken a rule, or ends a connection with a code that
//     it has no reason for, and nobody has panicked.
//   - Meanwhile heap, goroutines and descriptors stay below a bound for each client. In the end,
//     when all is shut down and the garbage was collected, there are not more goroutines and
//     descriptors than there were after a warm-up of the same kind, and at most 256 KiB more
//     in the heap.
//
// A machine that is too busy to let the process run for seconds is none that time can be measured
// on: what only shows that time has passed does not count then, and the report says how often that
// was.
//
// What is wrong is printed at once. The report at the end counts what has happened: that is what
// shows that the soak has tried what it is for. In 30 s or more some followers of the feed must
// have been told that they were too slow, in both ways.
//
// The random choices follow from -soak.seed; when things happen does not.
package soak
