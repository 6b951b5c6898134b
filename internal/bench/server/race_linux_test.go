//go:build race

package server

import "slices"

// testedLibraries leaves nbio out, which hands its connections from one goroutine to
// another in a way that the race detector reports.
func testedLibraries() []string {
	return slices.DeleteFunc(Libraries(), func(lib string) bool { return lib == "nbio" })
}
