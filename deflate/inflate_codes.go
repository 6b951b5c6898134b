package deflate

// The code length code: RFC 1951, section 3.2.7.
const (
	codeLengthCodes = 19
	codeLengthBits  = 7
	repeatLast      = 16
	repeatZero      = 17
	repeatZeroLong  = 18
)

// codeLengthOrder is the order in which the lengths of the code length codes come.
var codeLengthOrder = [codeLengthCodes]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

var codeLengthEntries = func() (entries [codeLengthCodes]uint32) {
	for i := range entries {
		entries[i] = uint32(i) << 16
	}
	return entries
}()

// counts reads HLIT, HDIST and HCLEN.
//
// RFC 1951, section 3.2.7.
func (f *inflater) counts() (bool, error) {
	if !f.need(14) {
		return false, nil
	}
	f.literals, f.distances, f.codes = 257+f.take(5), 1+f.take(5), 4+f.take(4)
	if f.literals > maxLiterals || f.distances > maxDistances {
		return false, CodeCount
	}
	f.codeLens = [codeLengthCodes]uint8{}
	f.have = 0
	f.step = stepCodeCodes
	return true, nil
}

// codeCodes reads the lengths of the code length codes. This code must be complete.
func (f *inflater) codeCodes() (bool, error) {
	for ; f.have < f.codes; f.have++ {
		if !f.need(3) {
			return false, nil
		}
		f.codeLens[codeLengthOrder[f.have]] = uint8(f.take(3))
	}
	room := 1 << codeLengthBits
	for _, n := range f.codeLens {
		if n != 0 {
			room -= 1 << (codeLengthBits - n)
		}
	}
	if room != 0 {
		return false, CodeLengthCode
	}
	buildTable(f.codeTable[:], codeLengthBits, f.codeLens[:], codeLengthEntries[:])
	f.have = 0
	f.step = stepCodeLens
	return true, nil
}

// codeLengths reads the lengths of both codes, which are one sequence.
func (f *inflater) codeLengths() (bool, error) {
	total := f.literals + f.distances
	for f.have < total {
		if f.nb < codeLengthBits+7 {
			f.fill()
		}
		e := f.codeTable[f.bits&(1<<codeLengthBits-1)]
		n, symbol := uint(e&63), e>>16
		if symbol < repeatLast {
			if n > f.nb {
				return false, nil
			}
			f.take(n)
			f.lens[f.have] = uint8(symbol)
			f.have++
			continue
		}
		least, extra := repetition(symbol)
		if n+extra > f.nb {
			return false, nil
		}
		f.take(n)
		run := f.lens[f.have:total]
		times := least + f.take(extra)
		if times > len(run) || symbol == repeatLast && f.have == 0 {
			return false, CodeLengthRepeat
		}
		if run = run[:times]; symbol == repeatLast {
			for i := range run {
				run[i] = f.lens[f.have-1]
			}
		} else {
			clear(run)
		}
		f.have += times
	}
	return true, f.buildTables()
}

// repetition returns what a repeat code stands for: the least number of times and
// the number of extra bits.
func repetition(symbol uint32) (least int, extra uint) {
	switch symbol {
	case repeatLast:
		return 3, 2
	case repeatZero:
		return 3, 3
	default:
		return 11, 7
	}
}

// buildTables makes the tables of the block from the lengths.
func (f *inflater) buildTables() error {
	if f.lens[endOfBlock] == 0 {
		return NoEndOfBlock
	}
	if !buildTable(f.litTable[:], literalBits, f.lens[:f.literals], literalEntries[:]) {
		return LiteralCode
	}
	if !buildTable(f.distTable[:], distanceBits, f.lens[f.literals:f.literals+f.distances], distanceEntries[:]) {
		return DistanceCode
	}
	f.lit, f.dist = &f.litTable, &f.distTable
	f.step = stepSymbols
	return nil
}
