// Package masking compares our mask functions with copying the same bytes, and with
// what peers export of theirs, as benchmarks:
//
//	go test -bench . ./masking
//
// Only gobwas exports its function; those of the others cannot be called from here.
package masking
