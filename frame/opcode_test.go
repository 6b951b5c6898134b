package frame_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
)

func TestOpcode(t *testing.T) {
	type opcode struct {
		Name              string
		Control, Reserved bool
	}
	want := map[frame.Opcode]opcode{
		frame.Continuation: {"continuation", false, false},
		frame.Text:         {"text", false, false},
		frame.Binary:       {"binary", false, false},
		3:                  {"reserved(3)", false, true},
		4:                  {"reserved(4)", false, true},
		5:                  {"reserved(5)", false, true},
		6:                  {"reserved(6)", false, true},
		7:                  {"reserved(7)", false, true},
		frame.Close:        {"close", true, false},
		frame.Ping:         {"ping", true, false},
		frame.Pong:         {"pong", true, false},
		11:                 {"reserved(11)", true, true},
		12:                 {"reserved(12)", true, true},
		13:                 {"reserved(13)", true, true},
		14:                 {"reserved(14)", true, true},
		15:                 {"reserved(15)", true, true},
		16:                 {"reserved(16)", false, true},
		255:                {"reserved(255)", true, true},
	}
	got := map[frame.Opcode]opcode{}
	for o := range want {
		got[o] = opcode{o.String(), o.IsControl(), o.IsReserved()}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("opcodes (-want +got):\n%s", diff)
	}
}

// TestOpcodeNumbers compares the constants with section 11.8.
func TestOpcodeNumbers(t *testing.T) {
	want := []int{0, 1, 2, 8, 9, 10}
	got := []int{
		int(frame.Continuation), int(frame.Text), int(frame.Binary),
		int(frame.Close), int(frame.Ping), int(frame.Pong),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("opcodes (-want +got):\n%s", diff)
	}
}

func TestRole(t *testing.T) {
	type role struct {
		Name string
		Peer frame.Role
	}
	want := map[frame.Role]role{
		frame.Client: {"client", frame.Server},
		frame.Server: {"server", frame.Client},
		7:            {"server", frame.Client},
	}
	got := map[frame.Role]role{}
	for r := range want {
		got[r] = role{r.String(), r.Peer()}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
}
