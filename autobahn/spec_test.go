package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSpecExcludesNothing checks the files that the suite reads, of both modes.
func TestSpecExcludesNothing(t *testing.T) {
	for _, tt := range []struct {
		mode string
		fill func(s *spec, j job) error
		want string
	}{
		{
			"fuzzingserver",
			func(s *spec, j job) error {
				s.URL = "wss://127.0.0.1:1"
				return s.secure(&docker{}, j)
			},
			`{
  "outdir": "/reports",
  "url": "wss://127.0.0.1:1",
  "cases": [
    "*"
  ],
  "exclude-cases": [],
  "exclude-agent-cases": {},
  "key": "/config/key.pem",
  "cert": "/config/cert.pem"
}`,
		},
		{
			"fuzzingclient",
			func(s *spec, _ job) error {
				s.Servers = []specServer{{Agent: "duplex", URL: "ws://127.0.0.1:1/"}}
				return nil
			},
			`{
  "outdir": "/reports",
  "servers": [
    {
      "agent": "duplex",
      "url": "ws://127.0.0.1:1/"
    }
  ],
  "cases": [
    "*"
  ],
  "exclude-cases": [],
  "exclude-agent-cases": {}
}`,
		},
	} {
		t.Run(tt.mode, func(t *testing.T) {
			j := job{mode: tt.mode, config: t.TempDir()}
			s := newSpec(&docker{}, j, []string{"*"})
			if err := tt.fill(&s, j); err != nil {
				t.Fatal(err)
			}
			if err := s.write(j); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(filepath.Join(j.config, tt.mode+".json"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(b)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestCertificate checks that a client that trusts the certificate verifies the suite's
// address with it.
func TestCertificate(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, certFile), filepath.Join(dir, keyFile)
	if err := writeCertificate(cert, key); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(pair.Leaf)
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: "127.0.0.1", Roots: roots}); err != nil {
		t.Error(err)
	}
}
