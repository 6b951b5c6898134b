//go:build !purego

package mask

import "github.com/duplexws/duplex/internal/cpu"

// Implementations returns what xor can work with on this machine, the race detector
// and the clock of the processor notwithstanding.
func Implementations() []Implementation {
	names := []string{"words", "AVX2", "AVX-512"}
	var all []Implementation
	for i := cpu.None; i <= cpu.Widest(); i++ {
		all = append(all, Implementation{names[i], func() (restore func()) {
			before := use
			use = i
			return func() { use = before }
		}})
	}
	return all
}
