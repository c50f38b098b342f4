package protocol

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"
)

// Trust is what a server is verified by. The zero value asks for no TLS: the caller's connection is trusted,
// or encrypted already. With it there is TLS or no login.
type Trust struct {
	CA   string // certificates as PEM
	Name string // the name or IP address that the server's certificate must be good for
}

// config is for the client's end of TLS; nil: there is to be none.
func (t Trust) config() (*tls.Config, error) {
	if t.CA == "" {
		return nil, nil
	}
	c := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: t.Name, MinVersion: tls.VersionTLS12}
	if !c.RootCAs.AppendCertsFromPEM([]byte(t.CA)) {
		return nil, errors.New("what the server is to be verified by is no certificate")
	}
	return c, nil
}

// explained says what to do about a server that is not verified; other errors stay as they are.
func (t Trust) explained(err error) error {
	var bad *tls.CertificateVerificationError
	switch {
	case errors.Is(err, mysql.ErrNoTLS):
		return fmt.Errorf("the server offers no TLS, expected for this endpoint: no password was sent; haprov up sets TLS up")
	case errors.As(err, &bad):
		return fmt.Errorf("the server's certificate was not verified for %s: %w; no password was sent; when the cluster had no TLS before, haprov up sets it up", t.Name, bad.Err)
	}
	return err
}
