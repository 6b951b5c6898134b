package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/duplexws/duplex/conn"
)

// An ending says why a connection has ended. There are few of them, so that they can be
// the names of counters.
type ending struct {
	who   string // "we", "peer" or "nobody"
	why   string
	level slog.Level
}

// explain reads the error of Hooks.Closed as its documentation says.
func explain(err error) ending {
	if fe, ok := errors.AsType[*conn.FailError](err); ok {
		// The hook Failed has made more of it.
		return ending{"we", fmt.Sprintf("failed with %d", uint16(fe.Violation.Code())), slog.LevelInfo}
	}
	ce, closed := errors.AsType[*conn.CloseError](err)
	switch {
	case closed && ce.Answer:
		return ending{"we", "closed", slog.LevelInfo}
	case closed && ce.Err != nil:
		return ending{"nobody", "lost", slog.LevelInfo} // people walk into lifts
	case closed:
		return ending{"peer", codeName(ce.Code), codeLevel(ce.Code)}
	case errors.Is(err, conn.ErrKeepAlive):
		return ending{"we", "no sign of life", slog.LevelInfo}
	case errors.Is(err, conn.ErrIdleTimeout):
		return ending{"we", "idle", slog.LevelInfo}
	case errors.Is(err, conn.ErrWriteTimeout):
		return ending{"we", "takes nothing", slog.LevelWarn}
	case errors.Is(err, conn.ErrPostLimit):
		return ending{"we", "does not keep up", slog.LevelWarn}
	case errors.Is(err, context.Canceled):
		return ending{"we", "cancelled", slog.LevelInfo}
	case errors.Is(err, context.DeadlineExceeded):
		return ending{"we", "too late", slog.LevelWarn}
	}
	return ending{"we", "cut", slog.LevelWarn}
}

// codeName returns the name for a close code. The peer chooses it, so those that mean
// nothing to us have a name together.
func codeName(code conn.StatusCode) string {
	switch {
	case code >= 4000:
		return "closed with 4xxx"
	case code >= 3000:
		return "closed with 3xxx"
	}
	return fmt.Sprintf("closed with %d", uint16(code))
}

// codeLevel tells apart peers that leave and those that complain.
func codeLevel(code conn.StatusCode) slog.Level {
	switch code {
	case conn.StatusNormalClosure, conn.StatusGoingAway, conn.StatusNoStatusReceived, conn.StatusServiceRestart:
		return slog.LevelInfo
	}
	if code >= 3000 {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}
