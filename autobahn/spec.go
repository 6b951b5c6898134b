package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path"
	"path/filepath"
	"time"
)

// spec is the suite's configuration file. The names are the suite's.
type spec struct {
	Outdir            string              `json:"outdir"`
	URL               string              `json:"url,omitempty"`     // of the fuzzingserver
	Servers           []specServer        `json:"servers,omitempty"` // for the fuzzingclient
	Cases             []string            `json:"cases"`
	ExcludeCases      []string            `json:"exclude-cases"`
	ExcludeAgentCases map[string][]string `json:"exclude-agent-cases"`
	Key               string              `json:"key,omitempty"`
	Cert              string              `json:"cert,omitempty"`
}

type specServer struct {
	Agent string `json:"agent"`
	URL   string `json:"url"`
}

// newSpec returns a configuration that runs the given cases and excludes nothing.
func newSpec(e engine, j job, cases []string) spec {
	_, out := e.folders(j)
	return spec{Outdir: out, Cases: cases, ExcludeCases: []string{}, ExcludeAgentCases: map[string][]string{}}
}

// write writes s to where the job looks for it.
func (s spec) write(j job) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(j.config, j.mode+".json"), b, 0o644)
}

// The files of the fuzzingserver's certificate, in the job's config folder.
const (
	certFile = "cert.pem"
	keyFile  = "key.pem"
)

// secure makes a certificate for the job, and s a server that uses it.
func (s *spec) secure(e engine, j job) error {
	config, _ := e.folders(j)
	s.Cert, s.Key = path.Join(config, certFile), path.Join(config, keyFile)
	return writeCertificate(filepath.Join(j.config, certFile), filepath.Join(j.config, keyFile))
}

// writeCertificate makes a certificate for the loopback address and writes it and its
// key to two files. It is its own authority, so that a client can be told to trust it,
// and lives for a day.
func writeCertificate(cert, key string) error {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: "Autobahn testsuite"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA:                  true,
		BasicConstraintsValid: true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	c, err := x509.CreateCertificate(rand.Reader, t, t, k.Public(), k)
	if err != nil {
		return err
	}
	kb, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return err
	}
	if err := writePEM(key, "PRIVATE KEY", kb); err != nil {
		return err
	}
	return writePEM(cert, "CERTIFICATE", c)
}

func writePEM(name, kind string, b []byte) error {
	return os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600)
}
