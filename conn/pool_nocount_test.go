//go:build !poolcount || race

package conn

// pooled has nothing to say without the tag poolcount; see pool_count.go.
func pooled() []string { return nil }
