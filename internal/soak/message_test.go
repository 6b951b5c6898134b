package soak

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/duplexws/duplex/conn"
)

// readLimit is the size of the largest message, which servers and clients read and no more.
const readLimit = 256 << 10

// headSize is what a message begins with: its session and its number.
const headSize = len("0123456789abcdef 0123456789abcdef ")

// A class says how large the messages of a session are; it is the rest of the session's
// id when it is divided by classes.
type class uint64

const (
	small  class = iota // frames with the shortest form of length, mostly
	medium              // up to 8 KiB
	large               // up to the limit, and one in four exactly so
	mixed               // all of them, small ones most often
	classes
)

// size returns the size of a message with its head, for a hash of session and number.
func (c class) size(h uint64) int {
	if c == mixed {
		c = []class{small, small, small, small, small, medium, medium, large}[h>>40%8]
	}
	switch {
	case c == small:
		return headSize + int(h%120)
	case c == medium:
		return headSize + int(h%(8<<10))
	case h%4 == 0:
		return readLimit
	}
	return headSize + int(h>>8%uint64(readLimit-headSize))
}

// The bodies of all messages are cut from these: words, which compress, and noise,
// which does not.
var words, noise = bodies()

func bodies() (words, noise []byte) {
	r := rand.New(rand.NewPCG(1, 2))
	list := []string{"and", "der", "Grüße", "世界", "of the", "👍", "message", "123", "\"key\":", "Straße, "}
	for len(words) < 2*readLimit {
		words = append(words, list[r.IntN(len(list))]...)
		words = append(words, ' ')
	}
	noise = make([]byte, 2*readLimit)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	return words, noise
}

// message appends the message with this number of a session: nothing else is ever sent
// under that number.
func message(dst []byte, id, number uint64) (conn.MessageType, []byte) {
	h := mix(id<<32 + number)
	size := class(id%uint64(classes)).size(h) - headSize
	dst = fmt.Appendf(dst, "%016x %016x ", id, number)
	from := int(mix(h) % readLimit)
	if h>>50%2 == 0 {
		return conn.Binary, append(dst, noise[from:from+size]...)
	}
	to := from + size
	for from < to && !utf8.RuneStart(words[from]) {
		from++
	}
	for to > from && !utf8.RuneStart(words[to]) {
		to--
	}
	dst = append(dst, words[from:to]...)
	for range size - (to - from) {
		dst = append(dst, '.')
	}
	return conn.Text, dst
}

// numberOf returns what a message says about itself; ok is false if it is none of ours.
func numberOf(p []byte) (id, number uint64, ok bool) {
	if len(p) < headSize {
		return 0, 0, false
	}
	id, err1 := strconv.ParseUint(string(p[:16]), 16, 64)
	number, err2 := strconv.ParseUint(string(p[17:33]), 16, 64)
	return id, number, err1 == nil && err2 == nil
}

// mix makes a hash of a number.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

func TestMessage(t *testing.T) {
	atLimit, text := 0, 0
	for id := range uint64(classes) {
		for number := range uint64(200) {
			kind, p := message(nil, id, number)
			if len(p) > readLimit || len(p) < headSize {
				t.Errorf("session %d, message %d has %d bytes", id, number, len(p))
			}
			if len(p) == readLimit {
				atLimit++
			}
			if kind == conn.Text {
				text++
				if !utf8.Valid(p) {
					t.Errorf("session %d, message %d is not valid UTF-8", id, number)
				}
			}
			if i, n, ok := numberOf(p); i != id || n != number || !ok {
				t.Errorf("session %d, message %d says %d, %d, %t", id, number, i, n, ok)
			}
			if _, again := message([]byte{}, id, number); !bytes.Equal(p, again) {
				t.Errorf("session %d, message %d is not always the same", id, number)
			}
		}
	}
	if atLimit == 0 || text < 300 || text > 500 {
		t.Errorf("%d messages of exactly the limit, %d of 800 are text", atLimit, text)
	}
}
