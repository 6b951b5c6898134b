//go:build !race

package server

func testedLibraries() []string { return Libraries() }
