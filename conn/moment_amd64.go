//go:build !race && !purego

package conn

import "sync/atomic"

// storeRelease is p.Store(v), except that loads which follow need not wait for it. On this
// architecture every store is one that releases; that of package atomic is more.
//
//go:noescape
func storeRelease(p *atomic.Uint32, v uint32)
