//go:build race

package deflate_test

// Under the race detector sync.Pool drops a quarter of what it is given.
const allocs = 20

// It also makes everything take ten times as long, and there is nothing concurrent in
// a codec: one case in sample is enough.
const sample = 4
