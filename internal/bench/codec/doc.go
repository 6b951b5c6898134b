// Package codec compares the DEFLATE codec of this library with the standard
// library's and klauspost's, as benchmarks:
//
//	go test -bench . ./codec
//
// Every message is compressed and inflated on its own, as a WebSocket message without
// context takeover is, with encoders and decoders used again. The benchmarks report
// the size of the compressed message too; the messages are those of package corpus,
// another one in each iteration.
package codec
