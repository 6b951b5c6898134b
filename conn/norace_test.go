//go:build !race

package conn

// sample is 1 where a test runs all cases of a product; see race_test.go.
const sample = 1
