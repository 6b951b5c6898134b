package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/duplexws/duplex/internal/bench/server"
)

// workload is one kind of measurement, of several cases.
type workload struct {
	about string
	run   func(*bench) ([]*entry, error)
	table func(io.Writer, []*entry) error
}

var workloads = map[string]workload{
	"compress":        {"echo of JSON compressed both ways", compression, compressionTable},
	"idle":            {"memory of silent connections", idle, idleTable},
	"upgrade":         {"the opening handshake", upgrades, upgradeTable},
	"broadcast":       {"one message to many connections", broadcasts, broadcastTable},
	"tls":             {"echo over TLS", overTLS, tlsTable},
	"syscalls":        {"system calls of an echo", systemCalls, systemCallsTable},
	"client":          {"the client role: messages and dials", asClient, clientTable},
	"echo":            {"echo of binary messages", echoes, echoTable},
	"text":            {"echo of text against binary messages", text, echoTable},
	"compress-memory": {"what compressed connections keep between messages", compressionMemory, memoryTable},
}

// bench is a run of this program: what the flags say.
type bench struct {
	run       []string
	libs      []string
	cases     *regexp.Regexp
	count     int
	patience  time.Duration
	duration  time.Duration
	windows   []int
	levels    []int
	json      string
	from      string
	plot      string
	markdown  bool
	serverCPU int
	progress  io.Writer
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == server.Flag {
		if err := server.Main(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "server:", err)
			os.Exit(1)
		}
		return
	}
	b, err := parseFlags(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = b.main(os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseFlags(args []string, out io.Writer) (*bench, error) {
	b := &bench{progress: out}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(out)
	f.Func("run", "`workloads` to run, separated by commas; default all: "+about(), list(&b.run, byName(workloads)))
	f.Func("libs", "`libraries` to measure, separated by commas; default all: "+strings.Join(server.Libraries(), ", "), list(&b.libs, server.Libraries()))
	f.Func("case", "run only cases whose names match a `regexp`", func(s string) (err error) {
		b.cases, err = regexp.Compile("(?i)" + s)
		return err
	})
	f.IntVar(&b.count, "rounds", 5, "`times` to measure everything; the libraries take turns in each")
	f.DurationVar(&b.patience, "patience", 0, fmt.Sprintf("`time` to go on measuring a case once more while the most of raw is over %g times its least; the steadiest stands", steady))
	f.DurationVar(&b.duration, "time", 600*time.Millisecond, "`time` of one measurement")
	windows := f.String("windows", "0,15", "`exponents` of the windows where a library lets one choose, separated by commas; 0 is its default")
	levels := f.String("levels", "0", "`levels` of our compression, separated by commas; 0 is the default")
	f.StringVar(&b.json, "json", "", "write the figures of every round to this `file` too, as JSON")
	f.StringVar(&b.from, "from", "", "measure nothing: show the figures in this `file`, written by -json")
	f.BoolVar(&b.markdown, "markdown", false, "with -from: print what the README shows instead")
	f.StringVar(&b.plot, "plot", "", "draw charts as SVG into this `directory` (needs -tags plot)")
	f.IntVar(&b.serverCPU, "cpu", 1, "`number` of the CPU that the servers run on; the load comes from the others")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 || b.count < 1 {
		return nil, errors.New("unexpected arguments; see -h")
	}
	if b.run == nil {
		b.run = byName(workloads)
	}
	if b.libs == nil {
		b.libs = server.Libraries()
	}
	var err error
	if b.windows, err = numbers(*windows); err != nil {
		return nil, err
	}
	b.levels, err = numbers(*levels)
	return b, err
}

func about() string {
	var all []string
	for _, name := range byName(workloads) {
		all = append(all, name+" ("+workloads[name].about+")")
	}
	return strings.Join(all, ", ")
}

// list makes a flag whose value are names out of all.
func list(to *[]string, all []string) func(string) error {
	return func(s string) error {
		*to = strings.Split(s, ",")
		for _, name := range *to {
			if !slices.Contains(all, name) {
				return fmt.Errorf("no %q; there are %s", name, strings.Join(all, ", "))
			}
		}
		return nil
	}
}

func numbers(s string) (list []int, err error) {
	for part := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}

func (b *bench) main(out io.Writer) error {
	if b.from != "" {
		return b.show(out)
	}
	if runtime.NumCPU() > 1 {
		if err := server.LeaveCPU(b.serverCPU); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(b.progress, "there is one CPU only: servers and load share it")
	}
	var all []*entry
	for _, name := range b.run {
		entries, err := workloads[name].run(b)
		all = append(all, entries...)
		if err == nil && len(entries) > 0 {
			err = workloads[name].table(out, entries)
		}
		if err == nil && b.json != "" {
			err = writeJSON(b.json, all) // after each: an error later loses nothing
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return b.draw(all)
}

// draw makes the charts, if they are asked for.
func (b *bench) draw(all []*entry) error {
	if b.plot == "" {
		return nil
	}
	return plots(b.plot, all)
}

// show writes the tables of an earlier run.
func (b *bench) show(out io.Writer) error {
	all, err := readJSON(b.from)
	if err != nil {
		return err
	}
	if b.markdown {
		results(out, all)
		return b.draw(all)
	}
	for _, name := range b.run {
		var entries []*entry
		for _, e := range all {
			if e.Workload == name && (b.cases == nil || b.cases.MatchString(e.Case)) {
				entries = append(entries, e)
			}
		}
		if len(entries) == 0 {
			continue
		}
		if err := workloads[name].table(out, entries); err != nil {
			return err
		}
	}
	return b.draw(all)
}

// peersAndOurs is the libraries but for the yardstick.
func (b *bench) peersAndOurs() []string {
	return slices.DeleteFunc(slices.Clone(b.libs), func(s string) bool { return s == server.Raw })
}

// steady is how many times its least the most of the yardstick may be. Beyond that, somebody
// else has had a hand in it, see [bench.rounds].
const steady = 1.2

// pause is for others to finish what they do.
const pause = 15 * time.Second

// rounds measures a case as often as asked for, all contenders in each round. If that was
// unsteady, it does all of it once more, while it has patience, and returns the steadiest: what
// the others have made of it does not count.
func (b *bench) rounds(workload, name string, list []contender, measure func(*bench, contender, bool) (figures, error)) ([]*entry, error) {
	if b.cases != nil && !b.cases.MatchString(name) {
		return nil, nil
	}
	var best []*entry
	for began := time.Now(); ; time.Sleep(pause) {
		entries, err := b.once(workload, name, list, measure)
		if err != nil {
			return nil, err
		}
		if best == nil || unrest(entries) < unrest(best) {
			best = entries
		}
		if unrest(best) <= steady || time.Since(began)+pause > b.patience {
			return best, nil
		}
		fmt.Fprintf(b.progress, "%s, %s: the most of raw is %.2f times its least\n", workload, name, unrest(entries))
	}
}

// once measures a case, all contenders in each round.
func (b *bench) once(workload, name string, list []contender, measure func(*bench, contender, bool) (figures, error)) ([]*entry, error) {
	var entries []*entry
	for _, c := range list {
		entries = append(entries, c.entry(workload, name))
	}
	for round := range b.count {
		fmt.Fprintf(b.progress, "%s, %s: round %d of %d\n", workload, name, round+1, b.count)
		for i, c := range list {
			f, err := measure(b, c, round == 0)
			if err != nil {
				return nil, err
			}
			entries[i].add(f)
		}
	}
	return entries, nil
}
