//go:build !purego

package cpu

import (
	"encoding/binary"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// cpuinfo returns what Linux says of the first processor.
func cpuinfo(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(b)) {
		name, value, found := strings.Cut(line, ":")
		if !found {
			break
		}
		fields[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return fields
}

// identity returns the maker, family and model of the processor, as Linux writes them.
func identity() [3]string {
	_, b, c, d := cpuid(0, 0)
	var vendor []byte
	for _, register := range []uint32{b, d, c} {
		vendor = binary.LittleEndian.AppendUint32(vendor, register)
	}
	version, _, _, _ := cpuid(1, 0)
	family, model := version>>8&15, version>>4&15
	if family == 6 || family == 15 {
		model += version >> 16 & 15 << 4
	}
	if family == 15 {
		family += version >> 20 & 255
	}
	return [3]string{string(vendor), strconv.Itoa(int(family)), strconv.Itoa(int(model))}
}

// TestRead: what Linux lists, which is what it also saves the registers of, is found.
// Linux may have been told to list less than there is.
func TestRead(t *testing.T) {
	info := cpuinfo(t)
	if listed := [3]string{info["vendor_id"], info["cpu family"], info["model"]}; listed != identity() {
		t.Skipf("this processor, %q, is emulated on another, %q", identity(), listed)
	}
	flags := strings.Fields(info["flags"])
	want := None
	if slices.Contains(flags, "avx2") {
		want = AVX2
		if slices.Contains(flags, "avx512f") && slices.Contains(flags, "avx512_vbmi2") {
			want = AVX512
		}
	}
	if got := choose(read()); got < want {
		t.Errorf("got %d, want at least %d for %q", got, want, flags)
	}
}
