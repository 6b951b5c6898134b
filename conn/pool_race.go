//go:build race

package conn

// mark watches memory that goes to and from a pool. With the race detector on, which is
// for tests, memory that is used after it was given back, or given back twice, is found.
type mark struct{ free bool }

const poison = 0xAA

// give is called before the memory b goes to the pool.
func (m *mark) give(b []byte) {
	if m.free {
		panic("memory was given back twice")
	}
	m.free = true
	for i := range b {
		b[i] = poison
	}
}

// take is called when it has come from the pool, or is new.
func (m *mark) take(b []byte) {
	if !m.free {
		return
	}
	m.free = false
	for _, x := range b {
		if x != poison {
			panic("memory was used after it had been given back")
		}
	}
}
