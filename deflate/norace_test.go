//go:build !race

package deflate_test

// allocs is the number of allocations per message that are let pass.
const allocs = 0
