package deflate

import "strconv"

// Terms say how the two sides compress: as one side wishes, or as both have agreed.
// What a side does not wish to be limited in is zero.
type Terms struct {
	Server Window // the server's compressor, and so the client's decompressor
	Client Window // the reverse
}

// Negotiate takes the first offer that a server can accept and returns what is agreed
// and the parameters to answer. An offer that breaks a rule is declined; ok is false
// if all are, and the extension is then not used.
//
// A window and a lack of takeover that a client asks for are always granted, and
// always confirmed. What the server wishes for besides is answered as far as the
// offer allows it: a client that did not offer client_max_window_bits may use 32,768
// bytes.
//
// RFC 7692, sections 5 and 7.1.
func Negotiate(offers [][]Param, wish Terms) (agreed Terms, response []Param, ok bool) {
	for _, offer := range offers {
		if p, err := readParams(offer, true); err == nil {
			agreed, response = accept(p, wish)
			return agreed, response, true
		}
	}
	return Terms{}, nil, false
}

// accept answers a valid offer.
func accept(offer params, wish Terms) (Terms, []Param) {
	answer := params{
		// RFC 7692, section 7.1.1.1: asked for, it is granted; it may come unasked.
		serverNoTakeover: offer.serverNoTakeover || wish.Server.NoTakeover,
		// RFC 7692, section 7.1.1.2: the client's hint is taken, so that no window has
		// to be kept for it; it may come unasked.
		clientNoTakeover: offer.clientNoTakeover || wish.Client.NoTakeover,
	}
	agreed := Terms{
		Server: Window{Bits: wish.Server.bits(), NoTakeover: answer.serverNoTakeover},
		Client: Window{Bits: MaxWindowBits, NoTakeover: answer.clientNoTakeover},
	}
	// RFC 7692, section 7.1.2.1: the same or a smaller value; it may come unasked.
	if offer.serverBits != 0 {
		agreed.Server.Bits = min(agreed.Server.Bits, offer.serverBits)
	}
	if offer.serverBits != 0 || agreed.Server.Bits < MaxWindowBits {
		answer.serverBits = agreed.Server.Bits
	}
	// RFC 7692, section 7.1.2.2: never unasked. A value in the offer is a hint that
	// the client uses no larger window.
	if offer.clientBits != 0 {
		agreed.Client.Bits = wish.Client.bits()
		if offer.clientBits != noValue {
			agreed.Client.Bits = min(agreed.Client.Bits, offer.clientBits)
		}
		answer.clientBits = agreed.Client.Bits
	}
	return agreed, answer.list()
}

// Offer returns the parameters for a client to offer. client_max_window_bits is
// always among them, since an [Encoder] keeps to any window.
//
// RFC 7692, sections 5 and 7.1.
func Offer(wish Terms) []Param {
	offer := params{
		serverNoTakeover: wish.Server.NoTakeover,
		clientNoTakeover: wish.Client.NoTakeover,
		clientBits:       noValue,
	}
	if bits := wish.Server.bits(); bits < MaxWindowBits {
		offer.serverBits = bits
	}
	if bits := wish.Client.bits(); bits < MaxWindowBits {
		offer.clientBits = bits
	}
	return offer.list()
}

// Verify reads the response to [Offer] with the same wish. If it returns an error,
// which is a [*ParamError], the client fails the connection.
//
// RFC 7692, sections 5 and 7.1 (D5-12, D7-06 to D7-09).
func Verify(response []Param, wish Terms) (agreed Terms, err error) {
	answer, err := readParams(response, false)
	if err != nil {
		return Terms{}, err
	}
	agreed = Terms{
		Server: Window{Bits: MaxWindowBits, NoTakeover: answer.serverNoTakeover},
		Client: Window{Bits: wish.Client.bits(), NoTakeover: answer.clientNoTakeover || wish.Client.NoTakeover},
	}
	if wish.Server.NoTakeover && !answer.serverNoTakeover {
		return Terms{}, &ParamError{Param{Name: serverNoTakeover}, MissingParam}
	}
	if answer.serverBits != 0 {
		agreed.Server.Bits = answer.serverBits
	}
	if limit := wish.Server.bits(); agreed.Server.Bits > limit {
		if answer.serverBits == 0 {
			return Terms{}, &ParamError{Param{Name: serverMaxBits}, MissingParam}
		}
		return Terms{}, &ParamError{Param{serverMaxBits, strconv.Itoa(answer.serverBits)}, WindowTooLarge}
	}
	if answer.clientBits != 0 {
		agreed.Client.Bits = min(agreed.Client.Bits, answer.clientBits)
	}
	return agreed, nil
}
