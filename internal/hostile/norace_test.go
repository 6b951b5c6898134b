//go:build !race

package hostile

const slack = 1
