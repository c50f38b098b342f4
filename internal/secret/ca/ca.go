// Package ca makes a certificate authority for one cluster, and its members' certificates.
//
// All is PEM text: the caller keeps it, since nothing here is the same twice. It must not know
// where it is kept or who asks.
package ca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"time"
)

// Life is how long certificates are good for. They serve one cluster alone and are replaced with
// it; who can read a key can take part until then.
const Life = 10 * 365 * 24 * time.Hour

// Early is how long before its end a certificate is renewed: whoever runs haprov once in that time
// never sees one end.
const Early = 365 * 24 * time.Hour

// slack covers clocks that are behind.
const slack = 24 * time.Hour

// New makes an authority: its certificate and its key, in one PEM text. The name tells people
// whose it is. It can sign members and nothing else.
func New(name string, now time.Time) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	t, err := template(name, now)
	if err != nil {
		return "", err
	}
	t.IsCA, t.BasicConstraintsValid, t.MaxPathLenZero = true, true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return "", err
	}
	return join(der, key)
}

// Issue makes a member's certificate, good on both ends of a connection, and its key, in one PEM
// text. Members tell each other by the authority; the name is for people, and for who checks it, as
// are the further names and IP addresses that clients reach the member at.
func Issue(authority, name string, now time.Time, further ...string) (string, error) {
	cert, signer, err := parse(authority)
	if err != nil {
		return "", fmt.Errorf("certificate authority: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	t, err := template(name, now)
	if err != nil {
		return "", err
	}
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	t.DNSNames, t.IPAddresses = subjects(name, further)
	der, err := x509.CreateCertificate(rand.Reader, t, cert, key.Public(), signer)
	if err != nil {
		return "", err
	}
	return join(der, key)
}

// subjects are a certificate's alternative names, each once: all that are no IP address are names.
func subjects(name string, further []string) (names []string, addresses []net.IP) {
	names = []string{name}
	var seen []string
	for _, x := range further {
		a, err := netip.ParseAddr(x)
		if err == nil {
			x = a.Unmap().String()
		}
		if x == name || slices.Contains(seen, x) {
			continue
		}
		seen = append(seen, x)
		if err != nil {
			names = append(names, x)
			continue
		}
		addresses = append(addresses, net.IP(a.Unmap().AsSlice()))
	}
	return names, addresses
}

// Covers reports whether a text that Issue made is good for these names and addresses, and for no others.
func Covers(text, name string, further ...string) bool {
	cert, _, err := parse(text)
	if err != nil {
		return false
	}
	set := func(names []string, addresses []net.IP) []string {
		out := slices.Clone(names)
		for _, a := range addresses {
			out = append(out, a.String())
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(set(cert.DNSNames, cert.IPAddresses), set(subjects(name, further)))
}

// Renew makes an authority's certificate good for another life, with the same key: it and the one
// before confirm the same members, so those that have one and those that have the other trust each other
// while both are in use.
func Renew(authority string, now time.Time) (string, error) {
	old, key, err := parse(authority)
	if err != nil {
		return "", fmt.Errorf("certificate authority: %w", err)
	}
	t, err := template(old.Subject.CommonName, now)
	if err != nil {
		return "", err
	}
	t.IsCA, t.BasicConstraintsValid, t.MaxPathLenZero, t.KeyUsage = true, true, true, old.KeyUsage
	t.SubjectKeyId = old.SubjectKeyId // what members name their authority by
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return "", err
	}
	return join(der, key)
}

// Due reports whether a text that New, Issue or Renew made is to be renewed, and when it ends. One
// that cannot be read is not.
func Due(text string, now time.Time) (ends time.Time, due bool) {
	cert, _, err := parse(text)
	if err != nil {
		return time.Time{}, false
	}
	return cert.NotAfter, cert.NotAfter.Sub(now) < Early
}

// Split gives the certificate and the key of a text that New or Issue made.
func Split(text string) (cert, key string, err error) {
	if _, _, err := parse(text); err != nil {
		return "", "", err
	}
	block, rest := pem.Decode([]byte(text))
	return string(pem.EncodeToMemory(block)), string(rest), nil
}

// Signed reports whether the authority signed a member's text, and for this name.
func Signed(authority, text, name string) bool {
	root, _, err := parse(authority)
	if err != nil {
		return false
	}
	cert, _, err := parse(text)
	return err == nil && cert.CheckSignatureFrom(root) == nil && cert.Subject.CommonName == name
}

func template(name string, now time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-slack), NotAfter: now.Add(Life)}, nil
}

func join(der []byte, key *ecdsa.PrivateKey) (string, error) {
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	pem.Encode(&b, &pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	return b.String(), nil
}

func parse(text string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	first, rest := pem.Decode([]byte(text))
	second, _ := pem.Decode(rest)
	if first == nil || second == nil || first.Type != "CERTIFICATE" || second.Type != "PRIVATE KEY" {
		return nil, nil, errors.New("not a certificate followed by its key")
	}
	cert, err := x509.ParseCertificate(first.Bytes)
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(second.Bytes)
	if err != nil {
		return nil, nil, err
	}
	k, ok := key.(*ecdsa.PrivateKey)
	if !ok || !k.PublicKey.Equal(cert.PublicKey) {
		return nil, nil, errors.New("the key is not the certificate's")
	}
	return cert, k, nil
}
