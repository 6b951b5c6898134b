// Package corpus makes the texts that the benchmarks send: JSON as services send
// it, every message different from every other, and the same on every machine.
package corpus

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// JSON returns n messages of exactly size bytes each, in ASCII. A message is a batch
// of records of one kind, with ids, names, times, floats and flags, as a feed of
// events has them; only what pads the last string to the size has no meaning.
func JSON(seed uint64, n, size int) [][]byte {
	g := &generator{rand: rand.New(rand.NewPCG(seed, 0x6a736f6e))}
	g.now = time.Date(2026, time.March, 3, 8, 0, 0, 0, time.UTC)
	messages := make([][]byte, n)
	for i := range messages {
		messages[i] = g.message(make([]byte, 0, size+512), size)
	}
	return messages
}

// Text returns n messages of exactly size bytes: words of the given alphabet with
// spaces between them. A message of Cyrillic text of an odd size ends with a space.
func Text(seed uint64, n, size int, alphabet Alphabet) [][]byte {
	r := rand.New(rand.NewPCG(seed, 0x74657874))
	messages := make([][]byte, n)
	for i := range messages {
		b := make([]byte, 0, size+4)
		for len(b) <= size {
			for range 2 + r.IntN(9) {
				b = append(b, alphabet[r.IntN(len(alphabet))]...)
			}
			b = append(b, ' ')
		}
		messages[i] = cut(b, size)
	}
	return messages
}

// Alphabet is a list of letters, all of the same number of bytes.
type Alphabet []string

// ASCII and Cyrillic are letters of one byte and of two.
var (
	ASCII    = letters('a', 'z')
	Cyrillic = letters('а', 'я')
)

func letters(from, to rune) Alphabet {
	var a Alphabet
	for r := from; r <= to; r++ {
		a = append(a, string(r))
	}
	return a
}

// cut shortens b to size bytes without leaving a part of a letter.
func cut(b []byte, size int) []byte {
	n := size
	for n > 0 && b[n]&0xc0 == 0x80 {
		n--
	}
	b = b[:n]
	for len(b) < size {
		b = append(b, ' ')
	}
	return b
}

// Bytes returns n messages of size bytes that look random.
func Bytes(seed uint64, n, size int) [][]byte {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	source := rand.NewChaCha8(key)
	messages := make([][]byte, n)
	for i := range messages {
		messages[i] = make([]byte, size)
		source.Read(messages[i]) // never fails
	}
	return messages
}

// generator remembers what goes on from one message to the next.
type generator struct {
	rand *rand.Rand
	now  time.Time
	id   uint64
}

var (
	given  = []string{"Ada", "Amir", "Chen", "Dolores", "Emeka", "Fatima", "Grace", "Hiro", "Ines", "Jonas", "Kofi", "Lena", "Mateo", "Nadia", "Olu", "Priya", "Quentin", "Rosa", "Sven", "Tomoko", "Uma", "Viktor", "Wanda", "Yusuf", "Zofia"}
	family = []string{"Abe", "Baker", "Costa", "Dubois", "Eriksson", "Fischer", "Garcia", "Haddad", "Ivanova", "Jensen", "Kowalski", "Lindqvist", "Moreau", "Nguyen", "Okafor", "Petrov", "Rossi", "Schmidt", "Tanaka", "Ueda", "Vargas", "Weber", "Yilmaz", "Zhang"}
	types  = []string{"order.created", "order.updated", "order.filled", "order.cancelled", "price.tick", "user.login", "user.logout", "device.status", "alert.raised", "alert.cleared"}
	places = []string{"eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-south-1", "ap-northeast-1", "sa-east-1"}
	states = []string{"pending", "active", "done", "failed", "retrying"}
	words  = []string{"the", "request", "was", "sent", "again", "after", "timeout", "from", "upstream", "node", "with", "new", "limit", "and", "checked", "by", "worker", "queue", "is", "full", "since", "partial", "fill", "at", "market", "open", "price", "moved", "below", "threshold", "customer", "asked", "for", "refund", "of", "shipment", "delayed", "due", "to", "weather", "battery", "low", "sensor", "reports", "drift", "calibration", "needed", "firmware", "update", "available"}
)

func (g *generator) pick(list []string) string { return list[g.rand.IntN(len(list))] }

// decimal appends a number around middle, at most spread away from it, both counted
// in units of the last of the given digits after the point. There is no floating
// point in it, which not every machine rounds alike.
func (g *generator) decimal(b []byte, middle, spread, digits int) []byte {
	n := middle - spread + g.rand.IntN(spread) + g.rand.IntN(spread) // most often near the middle
	unit := 1
	for range digits {
		unit *= 10
	}
	b = strconv.AppendInt(b, int64(n/unit), 10)
	b = append(b, '.')
	for n %= unit; unit > 1; n %= unit {
		unit /= 10
		b = append(b, byte('0'+n/unit))
	}
	return b
}

// message appends records until the next one would not leave room for the end,
// which is a string that fills up to size.
func (g *generator) message(b []byte, size int) []byte {
	b = append(b, `{"seq":`...)
	b = strconv.AppendUint(b, g.rand.Uint64N(1e6), 10)
	b = append(b, `,"events":[`...)
	const end = `],"trace":""}`
	for first := true; ; first = false {
		before := len(b)
		if !first {
			b = append(b, ',')
		}
		b = g.record(b)
		if len(b)+len(end) > size {
			b = b[:before]
			break
		}
	}
	b = append(b, end[:len(end)-2]...)
	for len(b)+2 < size {
		b = append(b, "0123456789abcdef"[g.rand.IntN(16)])
	}
	return append(b, end[len(end)-2:]...)
}

// record appends one event. Which of the optional members it has depends on its type.
func (g *generator) record(b []byte) []byte {
	g.now = g.now.Add(time.Duration(g.rand.IntN(80)) * time.Millisecond)
	g.id += 1 + g.rand.Uint64N(40)
	kind := g.rand.IntN(len(types))
	b = append(b, `{"id":`...)
	b = strconv.AppendUint(b, 7_400_000_000+g.id, 10)
	b = append(b, `,"type":"`...)
	b = append(b, types[kind]...)
	b = append(b, `","time":"`...)
	b = g.now.AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, `","region":"`...)
	b = append(b, g.pick(places)...)
	b = append(b, `","user":{"id":"u-`...)
	user := g.rand.IntN(5000)
	b = strconv.AppendInt(b, int64(100_000+user*37), 10)
	b = append(b, `","name":"`...)
	b = append(b, given[user%len(given)]...)
	b = append(b, ' ')
	b = append(b, family[user/len(given)%len(family)]...)
	b = append(b, `"}`...)
	if kind < 5 {
		b = append(b, `,"price":`...)
		b = g.decimal(b, 8000, 1500, 2)
		b = append(b, `,"qty":`...)
		b = strconv.AppendInt(b, int64(1+g.rand.IntN(200)), 10)
		b = append(b, `,"fee":`...)
		b = g.decimal(b, 500_000, 500_000, 6)
	} else {
		b = append(b, `,"pos":[`...)
		b = g.decimal(b, 4_813_700, 150_000, 5)
		b = append(b, ',')
		b = g.decimal(b, 1_157_500, 150_000, 5)
		b = append(b, `],"load":`...)
		b = g.decimal(b, 500, 500, 3)
	}
	b = append(b, `,"status":"`...)
	b = append(b, g.pick(states)...)
	b = append(b, `","retry":`...)
	b = strconv.AppendBool(b, g.rand.IntN(4) == 0)
	if g.rand.IntN(3) == 0 {
		b = append(b, `,"note":"`...)
		for i := range 4 + g.rand.IntN(9) {
			if i > 0 {
				b = append(b, ' ')
			}
			b = append(b, g.pick(words)...)
		}
		b = append(b, '"')
	}
	return append(b, '}')
}
