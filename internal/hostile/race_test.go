//go:build race

package hostile

// slack widens the bounds of memory: the race detector makes pools forget, and allocates.
const slack = 16
