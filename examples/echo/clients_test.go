package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/duplexws/duplex/conn"
)

// TestClientsCloseIsBounded has a peer that never answers the Close.
func TestClientsCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent, c := conn.Pipe(nil, nil)
		defer silent.CloseNow()
		var open clients
		if !open.add(c) {
			t.Fatal("add: got false, want true")
		}
		go func() {
			defer open.remove(c)
			_ = echo(t.Context(), c)
		}()
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), closeTime)
		defer cancel()
		open.close(ctx)
		if took := time.Since(start); took != closeTime {
			t.Errorf("close: took %v, want %v", took, closeTime)
		}
	})
}

func TestClientsAddAfterClose(t *testing.T) {
	client, c := conn.Pipe(nil, nil)
	defer client.CloseNow()
	defer c.CloseNow()
	var open clients
	open.close(t.Context())
	if open.add(c) {
		t.Error("add after close: got true, want false")
	}
}
