//go:build race

package mask_test

// raceDetector makes sync.Pool drop what it is given, so that crypto/rand allocates.
const raceDetector = true
