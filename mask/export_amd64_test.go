//go:build !purego

package mask

// Implementations returns what xor can work with on this machine, the race detector
// and the clock of the processor notwithstanding.
func Implementations() []Implementation {
	f := read()
	f.ecx7 |= ecx7AVX512VBMI
	names := []string{"words", "AVX2", "AVX-512"}
	var all []Implementation
	for i := words; i <= choose(f); i++ {
		all = append(all, Implementation{names[i], func() (restore func()) {
			before := use
			use = i
			return func() { use = before }
		}})
	}
	return all
}
