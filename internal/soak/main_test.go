package soak

import (
	"testing"

	"github.com/duplexws/duplex/internal/wstest"
)

func TestMain(m *testing.M) { wstest.Main(m) }
