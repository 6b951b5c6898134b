package deflate

import "encoding/binary"

// Slack that the fast loop wants: input for two loads of eight bytes, and room for
// three literals and the sixteen bytes that a match is written in at first.
const (
	fastInput = 16
	fastRoom  = 24
)

// symbols decodes literals and matches: most of them in the fast loop, and those
// near the end of input or room one by one.
//
// RFC 1951, section 3.2.3.
func (f *inflater) symbols() (bool, error) {
	for {
		if len(f.in) >= fastInput && len(f.out)-f.pos >= fastRoom {
			if err := f.fast(); err != nil || f.step != stepSymbols {
				return err == nil, err
			}
		}
		if f.nb < 56 {
			f.fill()
		}
		e := f.lit[f.bits&(1<<literalBits-1)]
		if e&entryLink != 0 {
			e = f.lit[e>>16+uint32(f.bits>>literalBits)&(1<<(e>>8&15)-1)]
		}
		n := uint(e & 63)
		if n > f.nb {
			return false, nil
		}
		switch {
		case e&entryLiteral != 0:
			if f.pos == len(f.out) {
				f.full = true
				return false, nil
			}
			f.take(n)
			f.out[f.pos] = byte(e >> 16)
			f.pos++
		case e&entrySpecial == 0:
			if more, err := f.startMatch(e); !more {
				return false, err
			}
			return true, nil
		case e&entryEnd != 0:
			f.take(n)
			f.endBlock()
			return true, nil
		default:
			return false, LiteralSymbol
		}
	}
}

// startMatch reads the length whose entry is e and the distance after it, or
// nothing if they are not all there.
func (f *inflater) startMatch(e uint32) (bool, error) {
	n := e & 63
	rest := f.bits >> n
	d := f.dist[rest&(1<<distanceBits-1)]
	if d&entryLink != 0 {
		d = f.dist[d>>16+uint32(rest>>distanceBits)&(1<<(d>>8&15)-1)]
	}
	m := d & 63
	if uint(n+m) > f.nb {
		return false, nil
	}
	if d&entrySpecial != 0 {
		return false, DistanceSymbol
	}
	f.length = value(e, f.bits)
	f.distance = value(d, rest)
	if f.tooFar(f.distance, f.pos) {
		return false, DistanceTooFar
	}
	f.take(uint(n + m))
	f.step = stepMatch
	return true, nil
}

// value returns the length or distance that entry e and its extra bits stand for.
func value(e uint32, bits uint64) int {
	return int(e>>16) + int(bits&(1<<(e&63)-1)>>(e>>8&15))
}

// fast decodes as long as there is slack on both sides. It leaves a match that there
// is no room for to the step after it.
func (f *inflater) fast() (err error) {
	lit, dist, in, out, bits, nb, pos, i := f.lit, f.dist, f.in, f.out, f.bits, f.nb, f.pos, 0
	lastIn, lastOut := len(in)-fastInput, len(out)-fastRoom
	for i <= lastIn && pos <= lastOut {
		bits |= binary.LittleEndian.Uint64(in[i:]) << (nb & 63)
		i += int((63 - nb) >> 3 & 7)
		nb |= 56
		// Three codes take at most 45 of at least 56 bits.
		e := lit[bits&(1<<literalBits-1)]
		if e&entryLiteral != 0 {
			bits >>= e & 63
			nb -= uint(e & 63)
			out[pos] = byte(e >> 16)
			pos++
			e = lit[bits&(1<<literalBits-1)]
			if e&entryLiteral != 0 {
				bits >>= e & 63
				nb -= uint(e & 63)
				out[pos] = byte(e >> 16)
				pos++
				e = lit[bits&(1<<literalBits-1)]
			}
		}
		if e&entryLink != 0 {
			e = lit[e>>16+uint32(bits>>literalBits)&(1<<(e>>8&15)-1)]
		}
		code := bits
		bits >>= e & 63
		nb -= uint(e & 63)
		if e&entryLiteral != 0 {
			out[pos] = byte(e >> 16)
			pos++
			continue
		}
		if e&entrySpecial != 0 {
			if f.step = stepHeader; e&entryEnd == 0 {
				err = LiteralSymbol
			}
			break
		}
		length := value(e, code)
		// A distance takes at most 28 bits.
		if nb < 28 {
			bits |= binary.LittleEndian.Uint64(in[i:]) << (nb & 63)
			i += int((63 - nb) >> 3 & 7)
			nb |= 56
		}
		d := dist[bits&(1<<distanceBits-1)]
		if d&entryLink != 0 {
			d = dist[d>>16+uint32(bits>>distanceBits)&(1<<(d>>8&15)-1)]
		}
		distance := value(d, bits)
		bits >>= d & 63
		nb -= uint(d & 63)
		if d&entrySpecial != 0 {
			err = DistanceSymbol
			break
		}
		if f.tooFar(distance, pos) {
			err = DistanceTooFar
			break
		}
		if pos+length > lastOut {
			f.length, f.distance, f.step = length, distance, stepMatch
			break
		}
		if distance >= 8 && distance <= pos {
			copyWide(out, pos, pos+length, distance)
		} else {
			f.copyMatch(pos, length, distance)
		}
		pos += length
	}
	f.in, f.bits, f.nb, f.pos = in[i:], bits&(1<<(nb&63)-1), nb, pos
	if f.step == stepHeader {
		f.endBlock()
	}
	return err
}

// copyWide copies a match over a distance of eight or more, sixteen bytes at a time;
// the second eight may depend on the first. What it writes beyond end is overwritten
// by what follows.
func copyWide(out []byte, pos, end, distance int) {
	for from := pos - distance; pos < end; pos, from = pos+16, from+16 {
		b, a := out[pos:pos+16], out[from:from+16]
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(a))
		binary.LittleEndian.PutUint64(b[8:], binary.LittleEndian.Uint64(a[8:]))
	}
}
