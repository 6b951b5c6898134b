//go:build amd64 && !purego && !race && !msan && !asan

package mask

// instrumented: every access to memory is to be seen by a detector.
const instrumented = false
