package wstest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/mask"
)

func TestDecodeVector(t *testing.T) {
	const file = `name: all fields
section: 5.2
from: server
allowed: rsv1 rsv3
hex: f1 83 01020304 60 60 60
expect: MaskedByServer
header: fin rsv1 rsv2 rsv3 opcode=1 key=01020304 length=3
size: 6
payload: "abc"
close: 1000 "bye"

name: short
from: client
hex: 81
expect: short
size: 2

name: masked, key unknown
from: client
hex: 82 fe 00 00
expect: LengthNotMinimal
header: fin opcode=2 masked length=126
size: 8

name: ok
from: server
hex: 82 01 61
expect: ok
header: fin opcode=2 length=1
size: 2
payload: 61
`
	want := []Vector{
		{
			Name: "all fields", Section: "5.2", From: frame.Server, Allowed: frame.RSV1 | frame.RSV3,
			Wire: []byte("\xf1\x83\x01\x02\x03\x04```"),
			Err:  frame.MaskedByServer,
			Header: frame.Header{
				Opcode: frame.Text, Fin: true, RSV: frame.RSV1 | frame.RSV2 | frame.RSV3,
				Masked: true, Key: mask.Key{1, 2, 3, 4}, Length: 3,
			},
			Size: 6, Payload: []byte("abc"), Code: 1000, Reason: "bye",
		},
		{Name: "short", From: frame.Client, Wire: []byte{0x81}, Err: frame.ErrShort, Size: 2, Payload: []byte{}},
		{
			Name: "masked, key unknown", From: frame.Client, Wire: []byte{0x82, 0xfe, 0, 0}, Err: frame.LengthNotMinimal,
			Header: frame.Header{Opcode: frame.Binary, Fin: true, Masked: true, Length: 126}, Size: 8, Payload: []byte{},
		},
		{
			Name: "ok", From: frame.Server, Wire: []byte{0x82, 1, 'a'},
			Header: frame.Header{Opcode: frame.Binary, Fin: true, Length: 1}, Size: 2, Payload: []byte("a"),
		},
	}
	got, err := decodeAll(file, decodeVector)
	if err != nil {
		t.Fatal(err)
	}
	same := cmp.Comparer(func(a, b error) bool { return a == b })
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("vectors (-want +got):\n%s", diff)
	}
}

func TestDecodeVectorErrors(t *testing.T) {
	base := map[string]string{"name": "x", "from": "client", "hex": "8100", "expect": "ok", "size": "2"}
	if _, err := decodeAll("name: x\nfrom: client\nhex: 8100\nexpect: ok\nsize: 2\n", decodeVector); err != nil {
		t.Fatalf("the record is bad before it is changed: %v", err)
	}
	for name, tt := range map[string]struct{ key, value, want string }{
		"role":              {"from", "", "role"},
		"unknown field":     {"events", "", "events"},
		"allowed":           {"allowed", "rsv4", "rsv4"},
		"hex":               {"hex", "xx", "invalid byte"},
		"expectation":       {"expect", "", "no violation"},
		"header word":       {"header", "end", "end"},
		"header key":        {"header", "key=0102", "key"},
		"header key digits": {"header", "key=01020", "key"},
		"header opcode":     {"header", "opcode=16", "opcode"},
		"header length":     {"header", "length=-1", "length"},
		"size":              {"size", "two", "size"},
		"payload":           {"payload", "\"", "payload"},
		"close":             {"close", "bye", "close"},
	} {
		t.Run(name, func(t *testing.T) {
			var text strings.Builder
			for k, v := range base {
				if k != tt.key {
					fmt.Fprintf(&text, "%s: %s\n", k, v)
				}
			}
			fmt.Fprintf(&text, "%s: %s\n", tt.key, tt.value)
			if _, err := decodeAll(text.String(), decodeVector); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// TestViolationNames shows that the list of names has as many as there are values.
func TestViolationNames(t *testing.T) {
	for i := range 256 {
		v := frame.Violation(i)
		if known := v.Section() != ""; known != (i >= 1 && i <= len(violations)) {
			t.Errorf("violation %d: named by package frame: %v", i, known)
		}
	}
}

// fatal is a testing.TB that notes how a test failed.
type fatal struct {
	testing.TB
	text string
}

func (f *fatal) Helper()                      {}
func (f *fatal) Fatalf(s string, args ...any) { f.text = fmt.Sprintf(s, args...); panic(f) }
func (f *fatal) Fatal(args ...any)            { f.text = fmt.Sprint(args...); panic(f) }

func TestLoadFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bad.txt"), []byte("\nname: x\nfrom: client\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for glob, want := range map[string]string{
		"testdata/nothing/*.txt":    "no files",
		"[":                         "syntax error",
		filepath.Join(dir, "*.txt"): "bad.txt:2: x: ",
		filepath.Join(dir, "fold*"): "folder",
	} {
		f := &fatal{TB: t}
		func() {
			defer func() {
				if r := recover(); r != any(f) {
					t.Errorf("%s: recovered %v", glob, r)
				}
			}()
			Vectors(f, glob)
		}()
		if !strings.Contains(f.text, want) {
			t.Errorf("%s: failed with %q, want %q in it", glob, f.text, want)
		}
	}
}
