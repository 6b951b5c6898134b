//go:build amd64 && !purego && !race && !msan && !asan

package cpu

// instrumented: every access to memory is to be seen by a detector.
const instrumented = false
