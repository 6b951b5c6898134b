package handshake

import (
	"errors"
	"fmt"
)

// Extension is one element of a Sec-WebSocket-Extensions list: an extension that
// is offered or agreed to, with its parameters in their order. Names and values
// are compared to the letter.
//
// RFC 6455, section 9.1.
type Extension struct {
	Name   string
	Params []Param
}

// Param is one parameter of an [Extension]. An empty Value means that the
// parameter has none: an empty value cannot be written in the grammar. A value that
// came as a quoted string is kept without quotes and escapes.
//
// RFC 6455, section 9.1.
type Param struct {
	Name, Value string
}

// String returns the element as it stands in a header field.
func (e Extension) String() string { return string(e.append(nil)) }

// maxExtensionItems bounds the extensions and parameters of one field together, so
// that a request of the size that an HTTP server lets through cannot ask for many
// times that size in memory.
const maxExtensionItems = 256

// The ways in which a Sec-WebSocket-Extensions field can be malformed.
var (
	errExtensionEmpty = errors.New("Sec-WebSocket-Extensions names no extension")
	errExtensionName  = errors.New("Sec-WebSocket-Extensions: an extension or parameter name is not a token")
	errExtensionValue = errors.New("Sec-WebSocket-Extensions: a parameter value is neither a token nor a quoted token")
	errExtensionEnd   = errors.New("Sec-WebSocket-Extensions: an extension or parameter is not followed by a comma or semicolon")
	errExtensionMany  = fmt.Errorf("Sec-WebSocket-Extensions: more than %d extensions and parameters", maxExtensionItems)
)

// ParseExtensions reads the values of all Sec-WebSocket-Extensions lines of a
// message as one list. Without lines there are no extensions and no error. Any
// deviation from the grammar is an error, as is a list with no element or with more
// than 256 extensions and parameters.
//
// RFC 6455, sections 4.3 and 9.1 (4.3-01, 4.3-03, 9.1-01, 9.1-02, 9.1-03).
func ParseExtensions(lines []string) ([]Extension, error) {
	var list []Extension
	if err := walkExtensions(lines, &list); err != nil {
		return nil, err
	}
	return list, nil
}

// walkExtensions appends the extensions to list; without one it only judges.
func walkExtensions(lines []string, list *[]Extension) error {
	items, found := 0, false
	for _, rest := range lines {
		for {
			rest = skipBlanks(rest)
			if rest == "" {
				break
			}
			if rest[0] == ',' {
				rest = rest[1:]
				continue
			}
			e, after, err := parseExtension(rest, &items, list != nil)
			if err != nil {
				return err
			}
			if list != nil {
				*list = append(*list, e)
			}
			rest, found = after, true
		}
	}
	if !found && len(lines) > 0 {
		return errExtensionEmpty
	}
	return nil
}

// parseExtension reads one element up to the comma or the end of the line. Its
// parameters are kept if they are wanted.
func parseExtension(s string, items *int, keep bool) (e Extension, rest string, err error) {
	for first := true; ; first = false {
		if *items++; *items > maxExtensionItems {
			return e, s, errExtensionMany
		}
		n := tokenLen(s)
		if n == 0 {
			return e, s, errExtensionName
		}
		name := s[:n]
		s = skipBlanks(s[n:])
		if first {
			e.Name = name
		} else {
			p := Param{Name: name}
			if s != "" && s[0] == '=' {
				if p.Value, s, err = parseValue(skipBlanks(s[1:])); err != nil {
					return e, s, err
				}
				s = skipBlanks(s)
			}
			if keep {
				e.Params = append(e.Params, p)
			}
		}
		switch {
		case s == "" || s[0] == ',':
			return e, s, nil
		case s[0] != ';':
			return e, s, errExtensionEnd
		}
		s = skipBlanks(s[1:])
	}
}

// parseValue reads a token or a quoted string that holds a token.
func parseValue(s string) (value, rest string, err error) {
	if s == "" || s[0] != '"' {
		n := tokenLen(s)
		if n == 0 {
			return "", s, errExtensionValue
		}
		return s[:n], s[n:], nil
	}
	// RFC 6455, section 4.3: after unescaping, the value is a token (4.3-03).
	s = s[1:]
	var unescaped []byte // what precedes begin, once there was an escape
	begin := 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			unescaped = append(unescaped, s[begin:i]...)
			i++ // the character that is quoted, whichever it is
			begin = i
			if i == len(s) || !tokenChars[s[i]] {
				return "", s, errExtensionValue
			}
		case s[i] == '"':
			if value = s[begin:i]; unescaped != nil {
				value = string(append(unescaped, value...))
			}
			if value == "" {
				return "", s, errExtensionValue
			}
			return value, s[i+1:], nil
		case !tokenChars[s[i]]:
			return "", s, errExtensionValue
		}
	}
	return "", s, errExtensionValue
}

// AppendExtensions appends the value of a Sec-WebSocket-Extensions field that
// lists e to dst and returns the extended slice. It writes what it is told: names
// and values have to be tokens. [ParseExtensions] reads the list back as it was.
//
// RFC 6455, section 9.1.
func AppendExtensions(dst []byte, e []Extension) []byte {
	for i := range e {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = e[i].append(dst)
	}
	return dst
}

func (e Extension) append(dst []byte) []byte {
	dst = append(dst, e.Name...)
	for _, p := range e.Params {
		dst = append(append(dst, "; "...), p.Name...)
		if p.Value != "" {
			dst = append(append(dst, '='), p.Value...)
		}
	}
	return dst
}

// checkExtensions judges a list that a caller wants to be sent.
func checkExtensions(list []Extension) error {
	for _, e := range list {
		if !isToken(e.Name) {
			return fmt.Errorf("the extension name %q is not a token", e.Name)
		}
		for _, p := range e.Params {
			if !isToken(p.Name) {
				return fmt.Errorf("the parameter name %q of extension %s is not a token", p.Name, e.Name)
			}
			if p.Value != "" && !isToken(p.Value) {
				return fmt.Errorf("the value %q of parameter %s of extension %s is not a token", p.Value, p.Name, e.Name)
			}
		}
	}
	return nil
}

// checkAgreed judges the list of a response against the offers: it selects from
// them, and names no extension twice.
//
// RFC 6455, sections 4.1 and 4.2.2 (4.1-38, 4.2.2-13, 4.2.2-14, 9.1-08).
func checkAgreed(agreed, offers []Extension) error {
	for i, e := range agreed {
		if !named(offers, e.Name) {
			return fmt.Errorf("the extension %s was not offered", e.Name)
		}
		if named(agreed[:i], e.Name) {
			return fmt.Errorf("the extension %s is named twice", e.Name)
		}
	}
	return nil
}

func named(list []Extension, name string) bool {
	for i := range list {
		if list[i].Name == name {
			return true
		}
	}
	return false
}

// checkSubprotocols judges a list of subprotocols that a caller gave: tokens, all
// different.
//
// RFC 6455, section 4.1, request item 10 (4.1-29, 4.1-30).
func checkSubprotocols(names []string) error {
	for i, name := range names {
		if !isToken(name) {
			return fmt.Errorf("the subprotocol %q is not a token", name)
		}
		for _, other := range names[:i] {
			if name == other {
				return fmt.Errorf("the subprotocol %s is listed twice", name)
			}
		}
	}
	return nil
}
