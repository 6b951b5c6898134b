//go:build !plot

package main

import "errors"

// plots is in draw.go. Its library is left out by default: fonts that it parses when a
// program starts are 1.3 MB of objects, which every garbage collection of a server process
// would have to look at again.
func plots(string, []*entry) error {
	return errors.New("charts are drawn by a program that was built with -tags plot")
}
