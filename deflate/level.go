package deflate

// Level chooses between speed and size, from [Fastest] to [Best]. A value outside of
// them counts as the nearer one. The zero Level is 1 without takeover and 3 with it:
// who pays for a history wants matches in it.
type Level int

const (
	Fastest Level = 1
	Best    Level = 9
)

// level is how matches are looked for.
type level struct {
	find      func(*compressor)
	tableBits uint // at most
	// greedy
	skip uint // literals, as a power of two, after which one more byte is passed over
	// lazy
	depth int // candidates tried
	good  int // length from which on only a quarter of them is
	nice  int // length that is not to be bettered
	lazy  int // length from which on the match at the next byte is not tried
}

var levels = [...]level{
	1: {find: (*compressor).greedy, tableBits: 14, skip: 5},
	2: {find: (*compressor).chained, tableBits: 15, depth: 2, good: 4, nice: 16, lazy: 5},
	3: {find: (*compressor).chained, tableBits: 15, depth: 6, good: 8, nice: 24, lazy: 8},
	4: {find: (*compressor).chained, tableBits: 15, depth: 8, good: 8, nice: 32, lazy: 12},
	5: {find: (*compressor).chained, tableBits: 15, depth: 16, good: 8, nice: 48, lazy: 16},
	6: {find: (*compressor).chained, tableBits: 15, depth: 32, good: 8, nice: 128, lazy: 24},
	7: {find: (*compressor).chained, tableBits: 15, depth: 64, good: 16, nice: 160, lazy: 64},
	8: {find: (*compressor).chained, tableBits: 15, depth: 256, good: 32, nice: 258, lazy: 258},
	9: {find: (*compressor).chained, tableBits: 15, depth: 2048, good: 32, nice: 258, lazy: 258},
}

// get returns the description of a level for a compressor with the window w.
func (l Level) get(w Window) *level {
	switch {
	case l != 0:
		return &levels[min(max(l, Fastest), Best)]
	case w.NoTakeover:
		return &levels[1]
	default:
		return &levels[3]
	}
}
