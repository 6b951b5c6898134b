package handshake

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"slices"
)

// The ways in which the head of an HTTP message can be malformed. Where RFC 9112
// lets a recipient choose between tolerance and refusal, a head is refused: lines
// end in CR LF and in nothing else, and are not folded. (Section 5.2 leaves that
// choice to servers; user agents are to unfold, but no server has a reason to fold.)
var (
	errHeadTooLarge  = errors.New("the head is too large")
	errHeadLineEnd   = errors.New("a line does not end in CR LF")
	errHeadControl   = errors.New("a line has a control character")
	errHeadStart     = errors.New("the first line is malformed")
	errHeadFold      = errors.New("a field is folded over several lines")
	errHeadName      = errors.New("a field has no colon, or its name is not a token directly before the colon")
	errHeadTruncated = errors.New("the head is cut off")
)

// A head reads the head of an HTTP message, request or response, as it arrives: the
// first line and the fields up to the empty line. Each byte is looked at once.
type head struct {
	buf    []byte // all that was read; the head begins at base
	base   int
	line   int // where the current line begins
	next   int // first byte not yet looked at
	first  bool
	fields []span
	start  span
	end    int // behind the empty line, once it was found
}

// A span marks a field in buf: name and value, blanks around it removed.
type span struct {
	name, colon, value, end uint32
	kind                    kind // in a request
}

// scan goes on where it stopped and reports whether the head is complete. An error
// is an error from then on, whatever follows.
func (h *head) scan() (done bool, err error) {
	for h.end == 0 {
		i := bytes.IndexByte(h.buf[h.next:], '\n')
		if i < 0 {
			h.next = len(h.buf)
			return false, nil
		}
		begin, end := h.line, h.next+i
		h.line, h.next = end+1, end+1
		if end == begin || h.buf[end-1] != '\r' {
			return false, errHeadLineEnd
		}
		if err := h.take(begin, end-1); err != nil {
			return false, err
		}
	}
	return true, nil
}

// take judges one line.
func (h *head) take(begin, end int) error {
	line := h.buf[begin:end]
	name := 0 // its length, if the line is a field: token characters are no controls
	for name < len(line) && tokenChars[line[name]] {
		name++
	}
	for _, c := range line[name:] {
		if controlChars[c] {
			if c == '\r' {
				return errHeadLineEnd
			}
			return errHeadControl
		}
	}
	switch {
	case !h.first:
		if len(line) == 0 {
			return errHeadStart
		}
		h.first = true
		h.start = span{value: uint32(begin), end: uint32(end)}
		return nil
	case len(line) == 0:
		h.end = h.line
		return nil
	case isBlank(line[0]):
		return errHeadFold
	}
	// RFC 9112, section 5.1: no blank between name and colon.
	if name == 0 || name == len(line) || line[name] != ':' {
		return errHeadName
	}
	value := begin + name + 1
	for value < end && isBlank(h.buf[value]) {
		value++
	}
	for value < end && isBlank(h.buf[end-1]) {
		end--
	}
	h.fields = append(h.fields, span{name: uint32(begin), colon: uint32(begin + name), value: uint32(value), end: uint32(end)})
	return nil
}

// strings returns the first line and the fields of a complete head, under their
// canonical names.
func (h *head) strings() (start string, header http.Header) {
	all := string(h.buf[:h.end])
	return all[h.start.value:h.start.end], toHeader(all, h.fields)
}

// toHeader returns the fields of a head under their canonical names.
func toHeader(head string, fields []span) http.Header {
	header := make(http.Header, len(fields))
	values := make([]string, 0, len(fields)) // most have one line each
	for _, f := range fields {
		name, value := textproto.CanonicalMIMEHeaderKey(head[f.name:f.colon]), head[f.value:f.end]
		if lines := header[name]; lines != nil {
			header[name] = append(lines, value)
			continue
		}
		values = append(values, value)
		header[name] = slices.Clip(values[len(values)-1:])
	}
	return header
}

// rest returns what was read behind the head, nil if nothing was.
func (h *head) rest() []byte {
	if h.end == len(h.buf) {
		return nil
	}
	return bytes.Clone(h.buf[h.end:])
}

// restart begins a new head behind the one that is complete. The limit of read goes
// on counting.
func (h *head) restart() {
	*h = head{buf: h.buf, base: h.end, line: h.end, next: h.end, fields: h.fields[:0]}
}

// read reads from r until the head is complete. It asks for no byte beyond the
// first limit ones, so that a head that is larger is refused when these have arrived.
func (h *head) read(r io.Reader, limit int) error {
	for idle := 0; idle < maxIdleReads; idle++ {
		if done, err := h.scan(); done || err != nil {
			return err
		}
		if len(h.buf) >= limit {
			return errHeadTooLarge
		}
		if len(h.buf) == cap(h.buf) {
			h.buf = append(make([]byte, 0, max(2*cap(h.buf), firstRead)), h.buf...)
		}
		n, err := r.Read(h.buf[len(h.buf):min(cap(h.buf), limit)])
		h.buf = h.buf[:len(h.buf)+n]
		if n > 0 {
			idle = 0 // the bytes count first; an error comes again
			continue
		}
		if err == nil {
			continue
		}
		if err == io.EOF && len(h.buf) > h.base {
			return errHeadTruncated
		}
		return err
	}
	return io.ErrNoProgress
}
