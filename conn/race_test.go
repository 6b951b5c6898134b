//go:build race

package conn

// sample is 1 where a test runs all cases of a product. The race detector, which makes
// each take ten times as long, gets one in sample of them, others for each row.
const sample = 10
