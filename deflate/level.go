package deflate

// Level chooses between speed and size, from [Fastest] to [Best]. A value outside of
// them counts as the nearer one. The zero Level is 1 without takeover and 2 with it:
// who pays for a history wants matches in it.
type Level int

const (
	Fastest Level = 1
	Best    Level = 9
)

// level is how matches are looked for.
type level struct {
	*search
	// doubled
	step uint // in which positions within a match are remembered
	// chained
	depth int  // candidates tried
	good  uint // length from which on only a quarter of them is
	nice  uint // length that is not to be bettered
	lazy  uint // length from which on the match at the next byte is not tried
}

// search is a way to find matches: how its tables are made ready for a message, how
// all positions in them are moved down, and how tokens are made of text.
type search struct {
	prepare func(*compressor)
	move    func(c *compressor, n uint16)
	find    func(*compressor)
}

var (
	greedy  = search{(*compressor).prepareSingles, (*compressor).moveSingles, (*compressor).greedy}
	doubled = search{(*compressor).prepareDoubles, (*compressor).moveDoubles, (*compressor).doubled}
	chained = search{(*compressor).prepareChains, (*compressor).moveChains, (*compressor).chained}
)

var levels = [...]level{
	1: {search: &greedy},
	2: {search: &doubled, step: 2},
	3: {search: &doubled, step: 1},
	4: {search: &chained, depth: 12, good: 8, nice: 48, lazy: 16},
	5: {search: &chained, depth: 16, good: 8, nice: 64, lazy: 24},
	6: {search: &chained, depth: 32, good: 8, nice: 128, lazy: 24},
	7: {search: &chained, depth: 64, good: 16, nice: 160, lazy: 64},
	8: {search: &chained, depth: 256, good: 32, nice: 258, lazy: 258},
	9: {search: &chained, depth: 2048, good: 32, nice: 258, lazy: 258},
}

// get returns the description of a level for a compressor with the window w.
func (l Level) get(w Window) *level {
	switch {
	case l != 0:
		return &levels[min(max(l, Fastest), Best)]
	case w.NoTakeover:
		return &levels[1]
	default:
		return &levels[2]
	}
}
