//go:build race

package protocol

// raceDetector makes sync.Pool drop what it is given, so that crypto/rand allocates.
const raceDetector = true
