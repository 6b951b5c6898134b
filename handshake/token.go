package handshake

// tokenChars has the bit of each character set that may stand in a token: the
// visible characters of ASCII less the separators. RFC 2616, section 2.2, which
// RFC 6455, section 4.3 refers to; RFC 9110, section 5.6.2 has the same set.
var tokenChars = func() (set [256]bool) {
	for c := '!'; c <= '~'; c++ {
		set[c] = true
	}
	for _, c := range `()<>@,;:\"/[]?={}` {
		set[c] = false
	}
	return set
}()

// controlChars has the bit of each control character but HTAB.
var controlChars = func() (set [256]bool) {
	for c := range ' ' {
		set[c] = c != '\t'
	}
	set[0x7F] = true
	return set
}()

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// isToken reports whether s is a token: not empty, and token characters only.
func isToken(s string) bool {
	n := tokenLen(s)
	return n > 0 && n == len(s)
}

// tokenLen returns the length of the token that s begins with, 0 if there is none.
func tokenLen(s string) int {
	for i := range len(s) {
		if !tokenChars[s[i]] {
			return i
		}
	}
	return len(s)
}

// lower folds one character of ASCII.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// equalFold compares as RFC 6455, section 2.1 says: A to Z equal a to z, and
// nothing else is folded (2.1-02). strings.EqualFold would also equate U+212A, the
// Kelvin sign, with k and U+017F, the long s, with s.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// hasFoldedPrefix is equalFold for the beginning of s.
func hasFoldedPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && equalFold(s[:len(prefix)], prefix)
}

// trim removes blanks, SP and HTAB, at both ends.
func trim(s string) string {
	for s != "" && isBlank(s[0]) {
		s = s[1:]
	}
	for s != "" && isBlank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// skipBlanks removes blanks at the beginning.
func skipBlanks(s string) string {
	for s != "" && isBlank(s[0]) {
		s = s[1:]
	}
	return s
}

// A list walks the elements of a 1#token list over all its lines, as if they were
// joined with commas. Empty elements are passed over; at least one that is not
// empty is required.
//
// RFC 6455, section 4.3 (4.3-01); RFC 2616, section 2.1.
type list struct {
	lines   []string // those not yet begun
	rest    string   // what is left of the current line
	product bool     // elements may have the form token "/" token
	some    bool     // an element was found
	bad     bool     // the grammar was broken; the walk ends there
}

// next returns the next element; ok is false at the end of the list and where the
// grammar is broken. Blanks around elements belong to no element.
func (l *list) next() (element string, ok bool) {
	for {
		l.rest = skipBlanks(l.rest)
		if l.rest == "" {
			if len(l.lines) == 0 {
				return "", false
			}
			l.rest, l.lines = l.lines[0], l.lines[1:]
			continue
		}
		if l.rest[0] == ',' {
			l.rest = l.rest[1:]
			continue
		}
		n := tokenLen(l.rest)
		if l.product && n > 0 && n < len(l.rest) && l.rest[n] == '/' {
			m := tokenLen(l.rest[n+1:])
			if m == 0 {
				l.bad = true
				return "", false
			}
			n += 1 + m
		}
		element, l.rest = l.rest[:n], skipBlanks(l.rest[n:])
		if n == 0 || l.rest != "" && l.rest[0] != ',' {
			l.bad = true
			return "", false
		}
		l.some = true
		return element, true
	}
}

// valid reports, after the walk, whether the list kept to its grammar.
func (l *list) valid() bool { return l.some && !l.bad }

// contains reports whether the token is an element of the list in lines, folding
// ASCII, and whether the whole list is well formed.
func contains(lines []string, token string, product bool) (found, valid bool) {
	l := list{lines: lines, product: product}
	for element, ok := l.next(); ok; element, ok = l.next() {
		found = found || equalFold(element, token)
	}
	return found && !l.bad, l.valid()
}
