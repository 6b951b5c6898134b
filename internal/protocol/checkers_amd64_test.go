//go:build !purego

package protocol

import "github.com/duplexws/duplex/internal/cpu"

// checkers returns the ways to check text on this machine, the race detector
// notwithstanding.
func checkers() []checker {
	all := []checker{{"words", func() (restore func()) { return useVectors(false) }}}
	if cpu.Widest() >= cpu.AVX2 {
		all = append(all, checker{"AVX2", func() (restore func()) { return useVectors(true) }})
	}
	return all
}

func useVectors(v bool) (restore func()) {
	before := vectors
	vectors = v
	return func() { vectors = before }
}
