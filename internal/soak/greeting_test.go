package soak

import (
	"fmt"
	"testing"
)

// noGreeting is what a misbehaving client says in its place.
const noGreeting = "let me in"

// greeting is what a client says first: which session it goes on with, and a hash of that. A
// server may not know a session any more that a greeting names, so a byte that was changed on
// the way would show by nothing else.
func greeting(id uint64) []byte { return fmt.Appendf(nil, "hello %x %x", id, mix(id)) }

// greeted returns the session that a greeting names. It reports false if it is none.
func greeted(p []byte) (id uint64, ok bool) {
	_, err := fmt.Sscanf(string(p), "hello %x ", &id)
	return id, err == nil && string(p) == string(greeting(id))
}

// welcome is the answer: how many messages of the session have been delivered.
func welcome(delivered uint64) []byte {
	return fmt.Appendf(nil, "welcome %d %x", delivered, mix(delivered))
}

// welcomed returns what an answer says. It reports false if it is none.
func welcomed(p []byte) (delivered uint64, ok bool) {
	_, err := fmt.Sscanf(string(p), "welcome %d ", &delivered)
	return delivered, err == nil && string(p) == string(welcome(delivered))
}

// TestGreeting shows that no changed byte, nor one more or less, goes unnoticed.
func TestGreeting(t *testing.T) {
	for name, test := range map[string]struct {
		make func(uint64) []byte
		read func([]byte) (uint64, bool)
	}{
		"greeting": {greeting, greeted},
		"welcome":  {welcome, welcomed},
	} {
		for _, n := range []uint64{0, 1, 1999, 1 << 20} {
			p := test.make(n)
			if got, ok := test.read(p); got != n || !ok {
				t.Errorf("%s: %q is read as %d, %t", name, p, got, ok)
			}
			wrong := [][]byte{p[:len(p)-1], append(p[:len(p):len(p)], '0')}
			for i := range p {
				q := append([]byte(nil), p...)
				q[i] ^= 1
				wrong = append(wrong, q)
			}
			for _, q := range wrong {
				if _, ok := test.read(q); ok {
					t.Errorf("%s: %q goes for %q", name, q, p)
				}
			}
		}
	}
	if _, ok := greeted([]byte(noGreeting)); ok {
		t.Errorf("%q goes for a greeting", noGreeting)
	}
}
