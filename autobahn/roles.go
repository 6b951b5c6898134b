package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// sideBySide runs f once for each role, all at the same time. Of several, every line that
// f writes gets the role before it. An error that is not errDeviation ends the others, and
// is returned; errDeviation waits for them.
func sideBySide(ctx context.Context, roles []string, w io.Writer, f func(ctx context.Context, role string, w io.Writer) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		running  sync.WaitGroup
		output   sync.Mutex // of w
		mu       sync.Mutex // guards what follows
		broken   error
		deviates error
	)
	for _, role := range roles {
		w := w
		if len(roles) > 1 {
			w = &labelled{mu: &output, w: w, label: role + ":"}
		}
		running.Go(func() {
			err := f(ctx, role, w)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, errDeviation):
				deviates = errDeviation
			case err != nil && broken == nil:
				broken = fmt.Errorf("%s: %w", role, err)
				cancel(errors.New("the run of the other role failed"))
			}
		})
	}
	running.Wait()
	if broken != nil {
		return broken
	}
	return deviates
}

// labelled writes lines to w, each with a label before it and once it has ended. Those of
// one Write stay together, whatever others write to w under the same lock.
type labelled struct {
	mu    *sync.Mutex
	w     io.Writer
	label string
	rest  []byte // a line that has not ended
}

func (l *labelled) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	end := bytes.LastIndexByte(l.rest, '\n') + 1
	var text []byte
	for line := range bytes.Lines(l.rest[:end]) {
		text = append(text, l.label...)
		if len(line) > 1 {
			text = append(text, ' ')
		}
		text = append(text, line...)
	}
	l.rest = l.rest[end:]
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.w.Write(text)
	return len(b), err
}
