//go:build !race

package mask_test

const raceDetector = false
