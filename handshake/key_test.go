package handshake

import (
	"encoding/base64"
	"testing"
)

// RFC 6455, section 4.2.2, step 5, item 4 (4.2.2-07, 4.2.2-19).
func TestAcceptKey(t *testing.T) {
	for key, want := range map[string]string{
		"dGhlIHNhbXBsZSBub25jZQ==": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", // section 1.3
		"x3JJHMbDL1EzLkh9GBhXDw==": "HSmrc0sMlYUkAGmm5OPpG2HaGWk=",
		"":                         "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=",
	} {
		if got := AcceptKey(key); got != want {
			t.Errorf("%q: got %s, want %s", key, got, want)
		}
	}
}

// RFC 6455, section 4.1, request item 7 (4.1-23, 4.1-24).
func TestNewKey(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		key := NewKey()
		b, err := base64.StdEncoding.Strict().DecodeString(key)
		if err != nil || len(b) != 16 || len(key) != 24 {
			t.Fatalf("%q: %d bytes, %v", key, len(b), err)
		}
		if seen[key] {
			t.Fatalf("%q came twice", key)
		}
		seen[key] = true
	}
}

// RFC 6455, sections 4.1 and 4.3 (4.1-23 with erratum 3150, 4.2.1-08, 4.3-02).
func TestValidKey(t *testing.T) {
	for key, want := range map[string]bool{
		"AQIDBAUGBwgJCgsMDQ4PEA==":   true, // 01 to 10 hex
		"AQIDBAUGBwgJCgsMDQ4PEC==":   true, // pad bits as in the text before the erratum
		"//////////////////////==":   true,
		"++++++++++++++++++++++==":   true,
		"":                           false,
		"AQIDBAUGBwgJCgsMDQ4P":       false, // 15 bytes
		"AQIDBAUGBwgJCgsMDQ4PEBE=":   false, // 17 bytes
		"AQIDBAUGBwgJCgsMDQ4PEA":     false,
		"AQIDBAUGBwgJCgsMDQ4PEA= ":   false,
		"AQIDBAUGBwgJCgsMDQ4PEA=A":   false,
		"AQIDBAUGBwgJCgsMDQ4PE===":   false,
		"_QIDBAUGBwgJCgsMDQ4PEA==":   false,
		"-QIDBAUGBwgJCgsMDQ4PEA==":   false,
		"AQIDBAUGBwgJ CgsMDQ4PE==":   false,
		"AQIDBAUGBwgJ\r\ngsMDQ4PE==": false,
		"AQIDBAUGBwgJ\nCgsMDQ4PE==":  false,
	} {
		if got := validKey(key); got != want {
			t.Errorf("%q: got %v", key, got)
		}
	}
}

func TestKeyAllocs(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		if !validKey("AQIDBAUGBwgJCgsMDQ4PEA==") {
			t.Error("not valid")
		}
	}); n != 0 {
		t.Errorf("validKey allocates %v times", n)
	}
}
