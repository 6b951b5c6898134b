//go:build !amd64 || race || purego

package conn

import "sync/atomic"

// storeRelease is for other architectures, and for the race detector, which has to see it:
// see moment_amd64.go.
func storeRelease(p *atomic.Uint32, v uint32) { p.Store(v) }
