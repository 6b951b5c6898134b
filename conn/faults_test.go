package conn

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/wstest"
)

// What both sides of a connection say in these tests: a short script, of which every byte
// is tried, and a long one with fragments, large frames and blocks of compressed text, of
// which the bytes at the borders of frames are.
var (
	shortScript = []saying{
		{t: Text},
		{t: Binary, text: "x"},
		{}, // a Ping
		{t: Text.Plain(), text: strings.Repeat("plain text", 13)},
		{t: Text, text: jsonText(200, 1)},
		{t: Text, text: jsonText(200, 2)},
	}
	longScript = []saying{
		{t: Text.Plain(), text: strings.Repeat("in fragments", 1000), piece: 5000},
		{t: Binary.Plain(), text: strings.Repeat("large", 14000)},
		{},
		{t: Text, text: jsonText(40_000, 3), piece: 20_000},
		{t: Text, text: jsonText(5000, 4)},
	}
)

// faultTime is how long a script may take that meets a fault: keepalive finds that nothing
// comes after twice its time, a write is given up after about as long, and then comes what
// closing takes.
const faultTime = 2*defaultKeepAlive + closeTime + 2*failTime

// checkScript checks how both sides have come out of a script, and returns how.
func (r *rig) checkScript(script []saying) (kinds [2]string) {
	r.t.Helper()
	all := messagesOf(script)
	for i, c := range r.conns {
		side := r.sides[i]
		kinds[i] = kindOf(side.read)
		r.hasEnded(c)
		n := min(len(side.got), len(all))
		if !slices.Equal(all[:n], side.got) {
			r.errorf("the %v has got what was not sent (-want +got):\n%s", c.role, cmp.Diff(all[:n], side.got))
		}
		if kinds[i] == lastKind && n < len(all) {
			r.errorf("the %v has got %d of %d messages before the Close frame", c.role, n, len(all))
		}
		err := c.terminal()
		if side.read != err || side.write != nil && side.write != err {
			r.errorf("the %v has ended with %v; Read returned %v, Write %v", c.role, err, side.read, side.write)
		}
		if c.closedCleanly() {
			err = nil
		}
		if side.closed != err {
			r.errorf("Close of the %v returned %v, want %v", c.role, side.closed, err)
		}
	}
	if took := time.Since(r.start); took > faultTime {
		r.errorf("took %v", took)
	}
	return kinds
}

// runScript plays a script in a bubble of its own, over a wire with the given faults.
func runScript(t *testing.T, name string, script []saying, closer Role, faults [2]wstest.Faults) (r *rig, kinds [2]string) {
	synctest.Test(t, func(t *testing.T) {
		r = newRig(t, name, 0, faults)
		r.play(script, closer)
		kinds = r.checkScript(script)
	})
	r.t = t
	return r, kinds
}

// scriptWire returns what each side writes in a script where nothing is wrong, and how often
// each of them reads.
func scriptWire(t *testing.T, script []saying, closer Role) (wire [2][]byte, sizes [2][]int, reads [2]int) {
	r, kinds := runScript(t, "no faults", script, closer, [2]wstest.Faults{})
	r.mustBeClean(kinds)
	for i, w := range r.wires {
		wire[i], sizes[i] = w.Written(), w.Sizes()
		reads[i], _ = w.Calls()
	}
	return wire, sizes, reads
}

// mustBeClean fails the test unless the script has come to its end.
func (r *rig) mustBeClean(kinds [2]string) {
	r.t.Helper()
	if kinds != [2]string{lastKind, lastKind} {
		r.errorf("ended with %q", kinds)
	}
}

// mustHaveGotAll fails the test unless a side has got each message that had arrived.
func (r *rig) mustHaveGotAll(side int) {
	r.t.Helper()
	n := 0
	for b := r.wires[side].Got(); ; {
		h, size, err := frame.Parse(b)
		if err != nil || h.Length > uint64(len(b)-size) {
			break
		}
		if b = b[size+int(h.Length):]; h.Fin && h.Opcode < frame.Close {
			n++
		}
	}
	if got := len(r.sides[side].got); got != n {
		r.errorf("the %v has got %d of %d messages that have arrived", Role(side), got, n)
	}
}

// eachScript runs f for both scripts and both roles of the one that closes.
func eachScript(t *testing.T, f func(t *testing.T, script []saying, closer Role)) {
	for name, script := range map[string][]saying{"short": shortScript, "long": longScript} {
		for _, closer := range []Role{Client, Server} {
			t.Run(fmt.Sprintf("%s, the %v closes", name, closer), func(t *testing.T) { f(t, script, closer) })
		}
	}
}

// longWire is how many bytes are too many to try each of them.
const longWire = 2000

// places are where a stream is worth cutting: if it is short, everywhere; if it is long, at
// the borders of frames and headers. Under the race detector it is a sample of them.
func places(t *testing.T, wire []byte, row int) (list []int) {
	for i := range wire {
		list = append(list, i)
	}
	if len(wire) > longWire {
		list = list[:0]
		for start := 0; start < len(wire); {
			h, n, err := frame.Parse(wire[start:])
			must(t, err)
			end := start + n + int(h.Length)
			list = append(list, start, start+1, start+n-1, start+n, start+n+1, (start+n+end)/2, end-1)
			start = end
		}
		slices.Sort(list)
		list = slices.Compact(list)
	}
	if sample > 1 {
		all := list
		list = nil
		for i := row % (2 * sample); i < len(all); i += 2 * sample {
			list = append(list, all[i])
		}
	}
	return append(list, len(wire))
}

// However the bytes are cut into segments, and however slow the wire is, all arrives.
func TestFaultSegments(t *testing.T) {
	eachScript(t, func(t *testing.T, script []saying, closer Role) {
		wire, _, _ := scriptWire(t, script, closer)
		run := func(name string, faults [2]wstest.Faults) {
			r, kinds := runScript(t, name, script, closer, faults)
			r.mustBeClean(kinds)
		}
		for side := range wire {
			for _, at := range places(t, wire[side], side) {
				var faults [2]wstest.Faults
				faults[1-side].ReadSplit = int64(at)
				run(fmt.Sprintf("what the %v writes in two segments, cut at %d", Role(side), at), faults)
			}
			var slow [2]wstest.Faults
			slow[side] = wstest.Faults{ReadDelay: 10 * time.Millisecond, WriteDelay: 30 * time.Millisecond}
			run(fmt.Sprintf("the %v is slow", Role(side)), slow)
		}
		for _, n := range []int{1, 2, 7} {
			if len(wire[0]) < longWire || n > 2 {
				run(fmt.Sprintf("pieces of %d", n), [2]wstest.Faults{{ReadMax: n}, {ReadMax: n}})
			}
		}
	})
}

// outcomes are how connections may end: for each way in which the wire of one of them is
// faulty, how that one, and how the other. Besides, each may have got the other's Close frame
// before. Where two clocks strike at the same time, marked by ?, chance decides.
type outcomes map[string][2]string

// test collects how connections have ended, and compares that with how they may, and
// sometimes do.
func (o outcomes) test(t *testing.T, f func(ended func(r *rig, way string, faulty int, kinds [2]string))) {
	seen := map[string]bool{}
	f(func(r *rig, way string, faulty int, kinds [2]string) {
		t.Helper()
		for i, who := range [...]string{"faulty side", "other side"} {
			got := kinds[(faulty+i)%2]
			may := strings.Split(strings.ReplaceAll(o[way][i], "?", ""), ", ")
			if !slices.Contains(may, got) && got != lastKind {
				r.errorf("the %s has ended with %q; it may with %q", who, got, o[way][i])
			}
			seen[way+": "+who+": "+got] = true
		}
	})
	if sample > 1 || t.Failed() {
		return
	}
	for way := range o {
		for i, who := range [...]string{"faulty side", "other side"} {
			for kind := range strings.SplitSeq(o[way][i], ", ") {
				if !strings.HasSuffix(kind, "?") && !seen[way+": "+who+": "+kind] {
					t.Errorf("%s: the %s never ends with %q", way, who, kind)
				}
			}
		}
	}
}

// callOutcomes are for calls that fail.
var callOutcomes = outcomes{
	"a Read":                       {"broken", "ended"},
	"a Read with a byte":           {"broken", "ended"},
	"a Read with all":              {"broken", "ended"},
	"a Write":                      {"broken", "ended"},
	"a short Write":                {"broken", "ended"},
	"a short Write that is silent": {"short write, broken?", "ended"},
}

// Any call of the stream may fail, and any Write may take a part of what it was given, and
// may even say nothing of it.
func TestFaultCalls(t *testing.T) {
	callOutcomes.test(t, func(ended func(r *rig, way string, faulty int, kinds [2]string)) {
		eachScript(t, func(t *testing.T, script []saying, closer Role) {
			wire, sizes, reads := scriptWire(t, script, closer)
			for side := range wire {
				run := func(way string, i int, f wstest.Faults) {
					var faults [2]wstest.Faults
					faults[side] = f
					r, kinds := runScript(t, fmt.Sprintf("%s of the %v, %d bytes of call %d", way, Role(side), f.WritePart, i), script, closer, faults)
					ended(r, way, side, kinds)
					if f.FailRead > 0 {
						r.mustHaveGotAll(side)
					}
				}
				for i := 1; i <= reads[side]; i++ {
					run("a Read", i, wstest.Faults{FailRead: i})
					run("a Read with a byte", i, wstest.Faults{FailRead: i, ReadPart: 1})
					run("a Read with all", i, wstest.Faults{FailRead: i, ReadPart: 1 << 20})
				}
				for i, size := range sizes[side] {
					run("a Write", i+1, wstest.Faults{FailWrite: i + 1})
					for part := range size {
						long := len(wire[side]) > longWire
						if long && part > 1 && part != size/2 && part != size-1 || (i+part)%sample != 0 {
							continue
						}
						run("a short Write", i+1, wstest.Faults{FailWrite: i + 1, WritePart: part})
						run("a short Write that is silent", i+1, wstest.Faults{FailWrite: i + 1, WritePart: part, Short: true})
					}
				}
			}
		})
	})
}

// wayToCut is how a wire is cut.
type wayToCut struct {
	how    wstest.Cut
	oneWay bool
}

var waysToCut = map[string]wayToCut{
	"reset":        {wstest.Reset, false},
	"end":          {wstest.End, false},
	"end, half":    {wstest.End, true},
	"vanish":       {wstest.Vanish, false},
	"vanish, half": {wstest.Vanish, true},
	"block":        {wstest.Block, false},
	"block, half":  {wstest.Block, true},
}

var cutOutcomes = outcomes{
	"reset":        {"broken", "broken"},
	"end":          {"ended", "ended"},
	"end, half":    {"ended", "ended"},
	"vanish":       {"keepalive, close timeout", "keepalive, close timeout"},
	"vanish, half": {"closed 1011, close timeout", "keepalive, close timeout, hung up"},
	"block":        {"keepalive?, write timeout?, close timeout", "keepalive, write timeout?, close timeout"},
	"block, half":  {"closed 1011, write timeout?, close timeout", "keepalive, close timeout, hung up"},
}

// The wire may be cut at any byte.
func TestFaultCuts(t *testing.T) {
	cutOutcomes.test(t, func(ended func(r *rig, way string, faulty int, kinds [2]string)) {
		eachScript(t, func(t *testing.T, script []saying, closer Role) {
			wire, _, _ := scriptWire(t, script, closer)
			for side := range wire {
				for row, name := range slices.Sorted(maps.Keys(waysToCut)) {
					for _, at := range places(t, wire[side], row) {
						way := waysToCut[name]
						var faults [2]wstest.Faults
						faults[side] = wstest.Faults{Cut: way.how, OneWay: way.oneWay, CutAt: int64(at)}
						r, kinds := runScript(t, fmt.Sprintf("%s, after the %v has written %d bytes", name, Role(side), at), script, closer, faults)
						ended(r, name, side, kinds)
					}
				}
			}
		})
	})
}
