package deflate

import (
	"fmt"
	"strconv"
)

// Name is the name of the extension in Sec-WebSocket-Extensions.
//
// RFC 7692, section 7.
const Name = "permessage-deflate"

// The parameters of the extension. Those of the server configure its compressor and
// the client's decompressor, those of the client the reverse.
//
// RFC 7692, section 7.1.
const (
	serverNoTakeover = "server_no_context_takeover"
	clientNoTakeover = "client_no_context_takeover"
	serverMaxBits    = "server_max_window_bits"
	clientMaxBits    = "client_max_window_bits"
)

// Param is a parameter in an offer or a response. An empty Value means that it has
// none; one that came as a quoted string is given without quotes.
type Param struct {
	Name, Value string
}

// Fault is a rule that a list of parameters breaks.
type Fault uint8

const (
	// UnknownParam: the extension has no such parameter.
	UnknownParam Fault = iota + 1
	// RepeatedParam: the parameter comes twice.
	RepeatedParam
	// BadValue: the parameter has a value it cannot have, or none where it needs one.
	BadValue
	// MissingParam: the response lacks what the offer asked for.
	MissingParam
	// WindowTooLarge: the response has a larger window than the offer asked for.
	WindowTooLarge
)

var faults = [...]string{
	UnknownParam:   "has no such parameter",
	RepeatedParam:  "has the parameter twice",
	BadValue:       "has a value that is not valid",
	MissingParam:   "lacks a parameter that was asked for",
	WindowTooLarge: "has a larger window than was asked for",
}

// ParamError says which parameter broke which rule.
type ParamError struct {
	Param Param
	Fault Fault
}

// Error returns one line.
func (e *ParamError) Error() string {
	text := "is at fault"
	if e.Fault != 0 && int(e.Fault) < len(faults) {
		text = faults[e.Fault]
	}
	if e.Param.Value == "" {
		return fmt.Sprintf("deflate: %s %s: %q", Name, text, e.Param.Name)
	}
	return fmt.Sprintf("deflate: %s %s: %q with the value %q", Name, text, e.Param.Name, e.Param.Value)
}

// noValue stands for client_max_window_bits without a value.
const noValue = -1

// params is a list of parameters, read. Zero bits: there is no such parameter.
type params struct {
	serverNoTakeover, clientNoTakeover bool
	serverBits, clientBits             int
}

// readParams reads the parameters of an offer or of a response, which differ in that
// client_max_window_bits needs no value in an offer.
//
// RFC 7692, sections 7, 7.1.1 and 7.1.2 (D7-02 to D7-04, D7-06 to D7-08).
func readParams(list []Param, offer bool) (p params, err error) {
	for i, param := range list {
		for _, before := range list[:i] {
			if before.Name == param.Name {
				return p, &ParamError{param, RepeatedParam}
			}
		}
		valid := param.Value == ""
		switch param.Name {
		case serverNoTakeover:
			p.serverNoTakeover = true
		case clientNoTakeover:
			p.clientNoTakeover = true
		case serverMaxBits:
			p.serverBits, valid = readBits(param.Value)
		case clientMaxBits:
			p.clientBits = noValue
			if !offer || param.Value != "" {
				p.clientBits, valid = readBits(param.Value)
			}
		default:
			return p, &ParamError{param, UnknownParam}
		}
		if !valid {
			return p, &ParamError{param, BadValue}
		}
	}
	return p, nil
}

// readBits reads the size of a window: a decimal integer from 8 to 15 without a
// leading zero.
//
// RFC 7692, sections 7.1.2.1 and 7.1.2.2.
func readBits(s string) (bits int, ok bool) {
	switch {
	case len(s) == 1 && (s[0] == '8' || s[0] == '9'):
		return int(s[0] - '0'), true
	case len(s) == 2 && s[0] == '1' && s[1] >= '0' && s[1] <= '5':
		return 10 + int(s[1]-'0'), true
	}
	return 0, false
}

// list returns the parameters in the order in which the RFC has them.
func (p params) list() (list []Param) {
	if p.serverNoTakeover {
		list = append(list, Param{serverNoTakeover, ""})
	}
	if p.clientNoTakeover {
		list = append(list, Param{clientNoTakeover, ""})
	}
	if p.serverBits != 0 {
		list = append(list, Param{serverMaxBits, strconv.Itoa(p.serverBits)})
	}
	switch p.clientBits {
	case 0:
	case noValue:
		list = append(list, Param{clientMaxBits, ""})
	default:
		list = append(list, Param{clientMaxBits, strconv.Itoa(p.clientBits)})
	}
	return list
}
