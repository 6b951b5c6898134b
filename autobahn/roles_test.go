package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSideBySide has two roles that each wait for the other, which neither could do if
// they ran one after the other.
func TestSideBySide(t *testing.T) {
	broken := errors.New("no such program")
	for _, tt := range []struct {
		name           string
		server, client error
		want           error
	}{
		{"both well", nil, nil, nil},
		{"one deviates", errDeviation, nil, errDeviation},
		{"the other deviates", nil, errDeviation, errDeviation},
		{"both deviate", errDeviation, errDeviation, errDeviation},
		{"one deviates, one breaks", errDeviation, broken, broken},
		{"one breaks", broken, nil, broken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var met sync.WaitGroup
			met.Add(2)
			err := sideBySide(t.Context(), []string{"server", "client"}, io.Discard, func(_ context.Context, role string, _ io.Writer) error {
				met.Done()
				met.Wait()
				if role == "server" {
					return tt.server
				}
				return tt.client
			})
			if !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

// TestErrorEndsTheOtherRole checks which error is told: the first, not the one that comes
// of being broken off.
func TestErrorEndsTheOtherRole(t *testing.T) {
	err := sideBySide(t.Context(), []string{"server", "client"}, io.Discard, func(ctx context.Context, role string, _ io.Writer) error {
		if role == "server" {
			return io.ErrUnexpectedEOF
		}
		<-ctx.Done()
		return context.Cause(ctx)
	})
	if err == nil || err.Error() != "server: unexpected EOF" {
		t.Errorf("error %v, want the server's", err)
	}
}

func TestDeviationSparesTheOtherRole(t *testing.T) {
	deviated := make(chan struct{})
	err := sideBySide(t.Context(), []string{"server", "client"}, io.Discard, func(ctx context.Context, role string, _ io.Writer) error {
		if role == "server" {
			defer close(deviated)
			return errDeviation
		}
		<-deviated
		return ctx.Err()
	})
	if err != errDeviation {
		t.Errorf("error %v, want %v", err, errDeviation)
	}
}

// TestLines checks that lines are whole and say whose they are, and that one role alone
// has its output as it is.
func TestLines(t *testing.T) {
	for _, tt := range []struct {
		roles []string
		want  string
	}{
		{[]string{"server"}, "section 1\n\ntable\n"},
		{[]string{"server", "client"}, "server: section 1\nserver:\nserver: table\nclient: section 1\nclient:\nclient: table\n"},
	} {
		var b strings.Builder
		first := make(chan struct{}) // the client waits for the server, so that the order is known
		err := sideBySide(t.Context(), tt.roles, &b, func(_ context.Context, role string, w io.Writer) error {
			if role == "client" {
				<-first
			} else {
				defer close(first)
			}
			fmt.Fprint(w, "sect")
			fmt.Fprint(w, "ion 1\n\ntable\n")
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(tt.want, b.String()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.roles, diff)
		}
	}
}
