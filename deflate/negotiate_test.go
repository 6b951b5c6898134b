package deflate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/deflate"
)

// readOffer reads parameters written as "a; b=1", and readOffers offers between
// commas.
func readOffer(s string) (list []deflate.Param) {
	for field := range strings.SplitSeq(s, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		if name != "" {
			list = append(list, deflate.Param{Name: name, Value: value})
		}
	}
	return list
}

func readOffers(s string) (offers [][]deflate.Param) {
	for offer := range strings.SplitSeq(s, ",") {
		offers = append(offers, readOffer(offer))
	}
	return offers
}

func writeOffer(list []deflate.Param) string {
	var fields []string
	for _, p := range list {
		if p.Value != "" {
			p.Name += "=" + p.Value
		}
		fields = append(fields, p.Name)
	}
	return strings.Join(fields, "; ")
}

// terms is short for what is agreed.
func terms(server, client deflate.Window) deflate.Terms {
	return deflate.Terms{Server: server, Client: client}
}

var full = deflate.Window{Bits: 15}

func upTo(n int) deflate.Window { return deflate.Window{Bits: n} }
func none(n int) deflate.Window { return deflate.Window{Bits: n, NoTakeover: true} }

func TestNegotiate(t *testing.T) {
	for _, test := range []struct {
		name   string
		offers string
		wish   deflate.Terms
		agreed deflate.Terms
		answer string
	}{
		{"plain", "", deflate.Terms{}, terms(full, full), ""},
		{"server_no_context_takeover", "server_no_context_takeover", deflate.Terms{}, terms(none(15), full), "server_no_context_takeover"},
		{"client_no_context_takeover", "client_no_context_takeover", deflate.Terms{}, terms(full, none(15)), "client_no_context_takeover"},
		{"takeover not wished", "", terms(none(0), none(0)), terms(none(15), none(15)), "server_no_context_takeover; client_no_context_takeover"},
		{"server_max_window_bits=8", "server_max_window_bits=8", deflate.Terms{}, terms(upTo(8), full), "server_max_window_bits=8"},
		{"server_max_window_bits=9", "server_max_window_bits=9", deflate.Terms{}, terms(upTo(9), full), "server_max_window_bits=9"},
		{"server_max_window_bits=10", "server_max_window_bits=10", deflate.Terms{}, terms(upTo(10), full), "server_max_window_bits=10"},
		{"server_max_window_bits=15", "server_max_window_bits=15", deflate.Terms{}, terms(full, full), "server_max_window_bits=15"},
		{"smaller than asked", "server_max_window_bits=14", terms(upTo(11), full), terms(upTo(11), full), "server_max_window_bits=11"},
		{"larger than asked", "server_max_window_bits=9", terms(upTo(11), full), terms(upTo(9), full), "server_max_window_bits=9"},
		{"unasked", "", terms(upTo(11), upTo(11)), terms(upTo(11), full), "server_max_window_bits=11"},
		{"wish out of range", "client_max_window_bits", terms(upTo(-3), upTo(20)), terms(upTo(8), full), "server_max_window_bits=8; client_max_window_bits=15"},
		{"client_max_window_bits", "client_max_window_bits", deflate.Terms{}, terms(full, full), "client_max_window_bits=15"},
		{"client_max_window_bits wished", "client_max_window_bits", terms(full, upTo(10)), terms(full, upTo(10)), "client_max_window_bits=10"},
		{"client_max_window_bits=9", "client_max_window_bits=9", deflate.Terms{}, terms(full, upTo(9)), "client_max_window_bits=9"},
		{"client_max_window_bits=12, less wished", "client_max_window_bits=12", terms(full, upTo(10)), terms(full, upTo(10)), "client_max_window_bits=10"},
		{"all", "client_max_window_bits; server_max_window_bits=13; client_no_context_takeover; server_no_context_takeover", deflate.Terms{}, terms(none(13), none(15)), "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=13; client_max_window_bits=15"},
		{"the first of two", "server_max_window_bits=10, ", deflate.Terms{}, terms(upTo(10), full), "server_max_window_bits=10"},
		{"the second of two", "server_max_window_bits=7, server_max_window_bits=10", deflate.Terms{}, terms(upTo(10), full), "server_max_window_bits=10"},
	} {
		agreed, answer, ok := deflate.Negotiate(readOffers(test.offers), test.wish)
		if !ok {
			t.Errorf("%s: declined", test.name)
		}
		if diff := cmp.Diff(test.agreed, agreed); diff != "" {
			t.Errorf("%s: agreed (-want +got):\n%s", test.name, diff)
		}
		if diff := cmp.Diff(test.answer, writeOffer(answer)); diff != "" {
			t.Errorf("%s: answer (-want +got):\n%s", test.name, diff)
		}
	}
}

// bad are parameters that neither an offer nor a response may have.
var bad = []struct {
	params string
	want   deflate.ParamError
}{
	{"foo", deflate.ParamError{Param: deflate.Param{Name: "foo"}, Fault: deflate.UnknownParam}},
	{"Server_max_window_bits=9", deflate.ParamError{Param: deflate.Param{Name: "Server_max_window_bits", Value: "9"}, Fault: deflate.UnknownParam}},
	{"server_max_window_bits", deflate.ParamError{Param: deflate.Param{Name: "server_max_window_bits"}, Fault: deflate.BadValue}},
	{"server_max_window_bits=7", deflate.ParamError{Param: deflate.Param{Name: "server_max_window_bits", Value: "7"}, Fault: deflate.BadValue}},
	{"server_max_window_bits=16", deflate.ParamError{Param: deflate.Param{Name: "server_max_window_bits", Value: "16"}, Fault: deflate.BadValue}},
	{"server_max_window_bits=08", deflate.ParamError{Param: deflate.Param{Name: "server_max_window_bits", Value: "08"}, Fault: deflate.BadValue}},
	{"server_max_window_bits=010", deflate.ParamError{Param: deflate.Param{Name: "server_max_window_bits", Value: "010"}, Fault: deflate.BadValue}},
	{"server_max_window_bits=1x", deflate.ParamError{Param: deflate.Param{Name: "server_max_window_bits", Value: "1x"}, Fault: deflate.BadValue}},
	{"server_max_window_bits=+9", deflate.ParamError{Param: deflate.Param{Name: "server_max_window_bits", Value: "+9"}, Fault: deflate.BadValue}},
	{"server_max_window_bits=20", deflate.ParamError{Param: deflate.Param{Name: "server_max_window_bits", Value: "20"}, Fault: deflate.BadValue}},
	{"server_max_window_bits=10; server_max_window_bits=10", deflate.ParamError{Param: deflate.Param{Name: "server_max_window_bits", Value: "10"}, Fault: deflate.RepeatedParam}},
	{"client_max_window_bits=10; client_max_window_bits=9", deflate.ParamError{Param: deflate.Param{Name: "client_max_window_bits", Value: "9"}, Fault: deflate.RepeatedParam}},
	{"client_max_window_bits=7", deflate.ParamError{Param: deflate.Param{Name: "client_max_window_bits", Value: "7"}, Fault: deflate.BadValue}},
	{"client_max_window_bits=16", deflate.ParamError{Param: deflate.Param{Name: "client_max_window_bits", Value: "16"}, Fault: deflate.BadValue}},
	{"client_max_window_bits=010", deflate.ParamError{Param: deflate.Param{Name: "client_max_window_bits", Value: "010"}, Fault: deflate.BadValue}},
	{"server_no_context_takeover=1", deflate.ParamError{Param: deflate.Param{Name: "server_no_context_takeover", Value: "1"}, Fault: deflate.BadValue}},
	{"client_no_context_takeover=true", deflate.ParamError{Param: deflate.Param{Name: "client_no_context_takeover", Value: "true"}, Fault: deflate.BadValue}},
	{"server_no_context_takeover; server_no_context_takeover", deflate.ParamError{Param: deflate.Param{Name: "server_no_context_takeover"}, Fault: deflate.RepeatedParam}},
}

func TestNegotiateBad(t *testing.T) {
	for _, test := range bad {
		if agreed, answer, ok := deflate.Negotiate(readOffers(test.params), deflate.Terms{}); ok {
			t.Errorf("%s: agreed %+v, %v", test.params, agreed, answer)
		}
		agreed, answer, ok := deflate.Negotiate(readOffers(test.params+", client_max_window_bits=9"), deflate.Terms{})
		if want := terms(full, upTo(9)); !ok || agreed != want || writeOffer(answer) != "client_max_window_bits=9" {
			t.Errorf("%s: the offer after it: %+v, %v, %t", test.params, agreed, answer, ok)
		}
	}
	if _, _, ok := deflate.Negotiate(nil, deflate.Terms{}); ok {
		t.Error("agreed without an offer")
	}
}

func TestOffer(t *testing.T) {
	for _, test := range []struct {
		wish deflate.Terms
		want string
	}{
		{deflate.Terms{}, "client_max_window_bits"},
		{terms(full, full), "client_max_window_bits"},
		{terms(upTo(12), deflate.Window{}), "server_max_window_bits=12; client_max_window_bits"},
		{terms(deflate.Window{}, upTo(8)), "client_max_window_bits=8"},
		{terms(none(0), none(9)), "server_no_context_takeover; client_no_context_takeover; client_max_window_bits=9"},
	} {
		if diff := cmp.Diff(test.want, writeOffer(deflate.Offer(test.wish))); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test.wish, diff)
		}
	}
}

func TestVerify(t *testing.T) {
	for _, test := range []struct {
		name     string
		wish     deflate.Terms
		response string
		want     deflate.Terms
		err      error
	}{
		{"plain", deflate.Terms{}, "", terms(full, full), nil},
		{"server_no_context_takeover unasked", deflate.Terms{}, "server_no_context_takeover", terms(none(15), full), nil},
		{"server_no_context_takeover asked for", terms(none(0), full), "server_no_context_takeover", terms(none(15), full), nil},
		{"server_no_context_takeover missing", terms(none(0), full), "", deflate.Terms{}, &deflate.ParamError{Param: deflate.Param{Name: "server_no_context_takeover"}, Fault: deflate.MissingParam}},
		{"client_no_context_takeover unasked", deflate.Terms{}, "client_no_context_takeover", terms(full, none(15)), nil},
		{"client_no_context_takeover not taken up", terms(full, none(0)), "", terms(full, none(15)), nil},
		{"server_max_window_bits unasked", deflate.Terms{}, "server_max_window_bits=9", terms(upTo(9), full), nil},
		{"server_max_window_bits as asked for", terms(upTo(12), full), "server_max_window_bits=12", terms(upTo(12), full), nil},
		{"server_max_window_bits smaller", terms(upTo(12), full), "server_max_window_bits=8", terms(upTo(8), full), nil},
		{"server_max_window_bits larger", terms(upTo(12), full), "server_max_window_bits=13", deflate.Terms{}, &deflate.ParamError{Param: deflate.Param{Name: "server_max_window_bits", Value: "13"}, Fault: deflate.WindowTooLarge}},
		{"server_max_window_bits missing", terms(upTo(12), full), "", deflate.Terms{}, &deflate.ParamError{Param: deflate.Param{Name: "server_max_window_bits"}, Fault: deflate.MissingParam}},
		{"client_max_window_bits", deflate.Terms{}, "client_max_window_bits=9", terms(full, upTo(9)), nil},
		{"client_max_window_bits above the hint", terms(full, upTo(10)), "client_max_window_bits=12", terms(full, upTo(10)), nil},
		{"client_max_window_bits without value", deflate.Terms{}, "client_max_window_bits", deflate.Terms{}, &deflate.ParamError{Param: deflate.Param{Name: "client_max_window_bits"}, Fault: deflate.BadValue}},
		{"all", deflate.Terms{}, "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11", terms(none(10), none(11)), nil},
	} {
		got, err := deflate.Verify(readOffer(test.response), test.wish)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if diff := cmp.Diff(test.err, err); diff != "" {
			t.Errorf("%s: error (-want +got):\n%s", test.name, diff)
		}
	}
	for _, test := range bad {
		_, err := deflate.Verify(readOffer(test.params), deflate.Terms{})
		var got *deflate.ParamError
		if !errors.As(err, &got) {
			t.Errorf("%s: accepted", test.params)
		} else if diff := cmp.Diff(test.want, *got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.params, diff)
		}
	}
}

// TestTerms agrees on every combination: both sides come to the same terms, none
// beyond what either wished.
func TestTerms(t *testing.T) {
	windows := []deflate.Window{{}, upTo(8), upTo(11), upTo(15), none(0), none(9)}
	for _, a := range windows {
		for _, b := range windows {
			for _, c := range windows {
				for _, d := range windows {
					client, server := terms(a, b), terms(c, d)
					agreed, response, ok := deflate.Negotiate([][]deflate.Param{deflate.Offer(client)}, server)
					got, err := deflate.Verify(response, client)
					if !ok || err != nil || got != agreed {
						t.Fatalf("client %+v, server %+v: %+v and %+v, %t, %v", client, server, agreed, got, ok, err)
					}
					for _, wish := range []deflate.Terms{client, server} {
						if over(agreed.Server, wish.Server) || over(agreed.Client, wish.Client) {
							t.Fatalf("client %+v, server %+v: %+v", client, server, agreed)
						}
					}
				}
			}
		}
	}
}

func over(agreed, wish deflate.Window) bool {
	return wish.Bits != 0 && agreed.Bits > wish.Bits || wish.NoTakeover && !agreed.NoTakeover
}

func TestErrorText(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{&deflate.ParamError{Param: deflate.Param{Name: "server_max_window_bits", Value: "7"}, Fault: deflate.BadValue}, `deflate: permessage-deflate has a value that is not valid: "server_max_window_bits" with the value "7"`},
		{&deflate.ParamError{Param: deflate.Param{Name: "foo"}, Fault: deflate.UnknownParam}, `deflate: permessage-deflate has no such parameter: "foo"`},
		{&deflate.ParamError{Fault: 200}, `deflate: permessage-deflate is at fault: ""`},
		{deflate.BlockType, "deflate: the block type is reserved (RFC 1951, section 3.2.3)"},
		{deflate.EarlyEnd, "deflate: the message ends inside a block (RFC 7692, section 7.2.2)"},
		{deflate.Corrupt(0), "deflate: corrupt 0 names nothing"},
		{deflate.Corrupt(200), "deflate: corrupt 200 names nothing"},
	} {
		if diff := cmp.Diff(test.want, test.err.Error()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
