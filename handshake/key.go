package handshake

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
)

// guid is the constant that turns a key into its accept value. RFC 6455, section 1.3.
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// Sizes of a key: the nonce, and its base64 form with two pad characters; and of the
// accept value, the base64 form of 20 bytes. RFC 6455, sections 4.1 and 4.2.2.
const (
	nonceLen  = 16
	keyLen    = 24
	acceptLen = 28
)

// AcceptKey returns the Sec-WebSocket-Accept value that answers the given
// Sec-WebSocket-Key. The key is taken as text, without blanks around it; it is not
// decoded and not judged.
//
// RFC 6455, section 4.2.2, step 5, item 4 (4.2.2-07, 4.2.2-19).
func AcceptKey(key string) string {
	var buf [acceptLen]byte
	return string(appendAccept(buf[:0], key))
}

// appendAccept appends what AcceptKey returns.
func appendAccept(dst []byte, key string) []byte {
	// SHA-1 is what the RFC prescribes. It proves that the server has read the
	// request as a WebSocket handshake and protects nothing.
	var buf [keyLen + len(guid)]byte
	sum := sha1.Sum(append(append(buf[:0], key...), guid...))
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

// NewKey returns a new Sec-WebSocket-Key: 16 bytes from crypto/rand in base64. A
// client takes a new one for every request that it sends.
//
// RFC 6455, section 4.1, request item 7 (4.1-23, 4.1-24).
func NewKey() string {
	var nonce [nonceLen]byte
	// crypto/rand.Read never fails: it crashes the program where the operating
	// system cannot provide randomness.
	_, _ = rand.Read(nonce[:])
	return base64.StdEncoding.EncodeToString(nonce[:])
}

// validKey reports whether key is the base64 form of 16 bytes, in the standard
// alphabet and with its padding. The four bits of the last character that no byte
// needs may have any value: the example in the RFC's original text has them set.
//
// RFC 6455, sections 4.2.1 and 4.3 (4.2.1-08, 4.3-02).
func validKey(key string) bool {
	if len(key) != keyLen || key[keyLen-2:] != "==" {
		return false
	}
	for i := range keyLen - 2 {
		c := key[i]
		if !isAlpha(c) && !isDigit(c) && c != '+' && c != '/' {
			return false
		}
	}
	return true
}
