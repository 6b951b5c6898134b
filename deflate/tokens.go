package deflate

import "math/bits"

// token is a literal, a length or a distance: its symbol in the low half, the value
// of the extra bits in the high half.
type token uint32

// Symbols of tokens: those of the literal/length code, then those of the distance
// code, and one that takes no bits.
const (
	distanceTokens = allLiterals
	nothing        = 1<<9 - 1
	tokenSymbols   = 1 << 9
)

// A block ends when it has maxTokens or somewhat more: what comes before the next
// look at their number is less than the rest, even if each byte of a long match put
// off is a literal.
const (
	maxTokens = 1<<14 - 1<<9
	tokenMask = 1<<14 - 1
)

// lengthTokens has the tokens for lengths less minMatch.
var lengthTokens = func() (tokens [maxMatch - minMatch + 1]token) {
	for i := range maxLiterals - endOfBlock - 1 {
		symbol := i + endOfBlock + 1
		base, extra := lengthRange(symbol)
		for j := base; j < base+1<<extra && j <= maxMatch; j++ {
			tokens[j-minMatch] = token(symbol | (j-base)<<16)
		}
	}
	return tokens
}()

// extraBits has the number of extra bits by symbol.
var extraBits = func() (n [tokenSymbols]uint8) {
	for symbol := endOfBlock + 1; symbol < maxLiterals; symbol++ {
		_, extra := lengthRange(symbol)
		n[symbol] = uint8(extra)
	}
	for symbol := range maxDistances {
		_, extra := distanceRange(symbol)
		n[distanceTokens+symbol] = uint8(extra)
	}
	return n
}()

// distanceToken returns the token for a distance. Beyond four each power of two has
// two symbols.
//
// RFC 1951, section 3.2.5.
func distanceToken(distance uint) token {
	d := distance - 1
	extra := uint(max(bits.Len(d), 2) - 2)
	return token(distanceTokens + 2*extra + d>>(extra&31) | d&(1<<(extra&31)-1)<<16)
}
