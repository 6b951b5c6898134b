package conn

import (
	"errors"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/handshake"
)

// Defaults of [Compression].
const (
	defaultMinSize    = 128
	defaultWindowBits = 12
)

// Compression are the settings of permessage-deflate. The zero value means the
// defaults: with context takeover, in windows of 4,096 bytes.
//
// A connection that has compressed and inflated a message keeps one window for each
// direction that has context takeover, of at most two to the power of the agreed
// window bits bytes. All else that a codec needs comes from a pool while a message is
// being worked on. The package documentation of deflate has a table of sizes, times and
// memory for levels and windows.
//
// Compressing secrets together with text that an attacker chooses gives the secrets
// away by the sizes of messages, encryption or not: send one of the two with
// [MessageType.Plain], or leave compression off. RFC 7692, section 8.
type Compression struct {
	// Level chooses between speed and size, from 1, the fastest, to 9, the smallest.
	// Zero means 1 without context takeover and 2 with it.
	Level int

	// MinSize is the size in bytes under which a message goes out as it is, since
	// compressing it saves little; default 128. Negative: every message is
	// compressed. What counts for a [Conn.Writer] is how much it has been given when the
	// first part of the message leaves.
	MinSize int

	// ServerMaxWindowBits and ClientMaxWindowBits are the sizes of the windows in
	// which server and client compress, as exponents of two from 8 to 15; a value
	// outside counts as the nearer one. The default is 12 for the own window and for
	// the one that a server asks its clients to keep to, and 15 without context
	// takeover, where no window is kept. A client asks the server for nothing by
	// default, since one that cannot limit its window declines. Whatever smaller
	// window the peer asks for is granted.
	// RFC 7692, section 7.1.2.
	ServerMaxWindowBits int
	ClientMaxWindowBits int

	// ServerNoContextTakeover and ClientNoContextTakeover say that server or client
	// begin every message with an empty window, so that nothing is kept between
	// messages, and small ones compress much less. If the peer asks for it, it is
	// granted. RFC 7692, section 7.1.1.
	ServerNoContextTakeover bool
	ClientNoContextTakeover bool
}

// terms returns what an endpoint in the given role wishes for.
func (z *Compression) terms(role Role) deflate.Terms {
	t := deflate.Terms{
		Server: window(z.ServerMaxWindowBits, z.ServerNoContextTakeover),
		Client: window(z.ClientMaxWindowBits, z.ClientNoContextTakeover),
	}
	if role == Client && z.ServerMaxWindowBits == 0 {
		t.Server.Bits = deflate.MaxWindowBits
	}
	return t
}

// window returns a window with its default size. One that is not kept costs nothing.
func window(bits int, noTakeover bool) deflate.Window {
	switch {
	case bits == 0 && noTakeover:
		bits = deflate.MaxWindowBits
	case bits == 0:
		bits = defaultWindowBits
	}
	return deflate.Window{Bits: bits, NoTakeover: noTakeover}
}

// offers returns the extensions that a client asks for.
//
// RFC 7692, section 5.
func (z *Compression) offers() []handshake.Extension {
	if z == nil {
		return nil
	}
	return []handshake.Extension{extension(deflate.Offer(z.terms(Client)))}
}

// choose returns the extensions that a server agrees to.
//
// RFC 7692, section 5: the most preferred offer that is acceptable.
func (z *Compression) choose(offers []handshake.Extension) []handshake.Extension {
	if z == nil {
		return nil
	}
	var list [][]deflate.Param
	for _, e := range offers {
		if e.Name == deflate.Name {
			list = append(list, params(e))
		}
	}
	wish := z.terms(Server)
	agreed, _, ok := deflate.Negotiate(list, wish)
	if !ok {
		return nil
	}
	// The client may want no takeover, and then no window has to be kept.
	wish.Server.Bits = window(z.ServerMaxWindowBits, agreed.Server.NoTakeover).Bits
	wish.Client.Bits = window(z.ClientMaxWindowBits, agreed.Client.NoTakeover).Bits
	_, response, _ := deflate.Negotiate(list, wish)
	return []handshake.Extension{extension(response)}
}

// verify judges the response to offers.
//
// RFC 7692, sections 5 and 7: a client fails on a response that it did not ask for.
func (z *Compression) verify(agreed []handshake.Extension) error {
	_, err := deflate.Verify(params(agreed[0]), z.terms(Client))
	return err
}

// extension returns permessage-deflate with its parameters.
func extension(list []deflate.Param) handshake.Extension {
	e := handshake.Extension{Name: deflate.Name}
	for _, p := range list {
		e.Params = append(e.Params, handshake.Param(p))
	}
	return e
}

// params returns the parameters of an extension.
func params(e handshake.Extension) []deflate.Param {
	var list []deflate.Param
	for _, p := range e.Params {
		list = append(list, deflate.Param(p))
	}
	return list
}

// compress makes the connection use the extensions that were agreed, with z, which may
// be nil, for what is left to choose. It returns an error if they are not what this
// package implements.
func (c *Conn) compress(agreed []handshake.Extension, z *Compression) error {
	for _, e := range agreed {
		if e.Name != deflate.Name {
			return errors.New("duplex: unknown extension " + e.Name)
		}
	}
	switch len(agreed) {
	case 0:
		return nil
	case 1:
	default:
		return errors.New("duplex: " + deflate.Name + " was agreed more than once")
	}
	terms, err := deflate.Verify(params(agreed[0]), deflate.Terms{})
	if err != nil {
		return err
	}
	if z == nil {
		z = new(Compression)
	}
	in, out := terms.Client, terms.Server
	own := window(z.ServerMaxWindowBits, z.ServerNoContextTakeover || out.NoTakeover)
	if c.role == Client {
		in, out = terms.Server, terms.Client
		// RFC 7692, section 7.1.2.2: the hint in the offer was a promise.
		own = window(z.ClientMaxWindowBits, z.ClientNoContextTakeover)
	}
	// A sender may always do with less than what was agreed.
	out.Bits = min(out.Bits, max(own.Bits, deflate.MinWindowBits))
	out.NoTakeover = out.NoTakeover || own.NoTakeover
	c.inflate = newInflater(in)
	c.deflate = newDeflater(out, deflate.Level(z.Level), z.minSize())
	return nil
}

// minSize returns MinSize with its default.
func (z *Compression) minSize() int {
	if z.MinSize == 0 {
		return defaultMinSize
	}
	return max(z.MinSize, 0)
}

// allowed returns the reserved bits that the peer may set.
//
// RFC 7692, section 6.
func (c *Conn) allowed() frame.RSV {
	if c.inflate == nil {
		return 0
	}
	return frame.RSV1
}
