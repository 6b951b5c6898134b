//go:build !amd64 || purego

package mask

// Implementations returns what xor can work with on this machine.
func Implementations() []Implementation {
	return []Implementation{{"words", func() (restore func()) { return func() {} }}}
}
