//go:build !race

package deflate_test

// allocs is the number of allocations per message that are let pass.
const allocs = 0

// sample is 1 where a test runs all cases of a product; see race_test.go.
const sample = 1
