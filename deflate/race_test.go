//go:build race

package deflate_test

// Under the race detector sync.Pool drops a quarter of what it is given.
const allocs = 20
