// Package mask implements the masking of RFC 6455, section 5.3: octet i of a
// payload is XORed with octet i mod 4 of a four-byte key, the same way in both
// directions.
//
// A client masks every frame it sends, with a fresh key from [NewKey]; a server
// masks none. What masking protects against is described in section 10.3: a
// script in a browser must not be able to choose the bytes that an intermediary
// sees, so a key must not be predictable and must not be seen before the data
// that it masks is fixed.
//
// A payload that arrives or leaves in pieces is masked piece by piece: [XOR] and
// [Copy] return the key rotated to where the next piece begins.
//
// On amd64, vector instructions (AVX2 or AVX-512) mask all but short data where the
// processor and the operating system have them. The build tag purego leaves assembly
// out. Under the race detector, all is done in Go, so that it sees every access.
//
// The package does no I/O, starts no goroutine, keeps no reference to any slice
// it is given and never allocates. All functions may be called concurrently on
// slices that do not overlap.
package mask
