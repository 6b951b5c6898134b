//go:build !amd64 || purego

package protocol

// checkers returns the ways to check text on this machine.
func checkers() []checker {
	return []checker{{"words", func() (restore func()) { return func() {} }}}
}
