// Package vault keeps secrets in the key-value engine, version 2, of HashiCorp Vault or OpenBao, over their
// HTTP API.
//
// A secret is one entry, MOUNT/data/PATH/OWNER/NAME, with its value under "value". Each write names the
// version that it replaces (check-and-set), so that of two operators one succeeds. Former versions stay
// as the engine keeps them. It must not know how a token is got, inventories or recipes.
package vault

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"haprov/internal/secret"
	"haprov/internal/secret/store"
)

const (
	timeout   = 20 * time.Second // of one request, with its redirects
	maxAnswer = 8 << 20          // a value in JSON may take 6 bytes for one
	redirects = 2                // a standby sends to the active server
)

// Options of a server.
type Options struct {
	Address   string // https://HOST:PORT; http:// is for loopback alone
	Mount     string // of the engine
	Path      string // below the mount; what haprov keeps lies below it
	Namespace string // empty: none
	CA        string // PEM; empty: the system's authorities
	Token     secret.Text
}

// Server is a store.Source. It may be used from several goroutines, by any number of processes.
type Server struct {
	o      Options
	client *http.Client
}

var parts = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$`)

// CheckPath says what is wrong with a mount, a path below it, or a namespace.
func CheckPath(s string) error {
	if !parts.MatchString(s) || len(s) > 256 {
		return errors.New("expected names of letters, digits and ._-, with / in between, such as team/haprov")
	}
	return nil
}

// CheckAddress says what is wrong with an address.
func CheckAddress(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return errors.New("expected https://HOST:PORT")
	case u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return errors.New("the token and the secrets would cross the network in the clear: expected https://, or http:// to an address of this machine, such as 127.0.0.1")
	}
	return errors.New("expected https://HOST:PORT")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Open checks what is given. Nothing is connected to.
func Open(o Options) (*Server, error) {
	if err := CheckAddress(o.Address); err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	for _, p := range []string{o.Mount, o.Path} {
		if err := CheckPath(p); err != nil {
			return nil, err
		}
	}
	token := o.Token.Reveal()
	if token == "" || len(token) > 8<<10 || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the token is not one: expected one word of ASCII")
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CA != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(o.CA)) {
			return nil, errors.New("ca: holds no certificate in PEM")
		}
	}
	o.Address = strings.TrimRight(o.Address, "/")
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: time.Minute}
	return &Server{o, &http.Client{Transport: transport, Timeout: timeout, CheckRedirect: follow}}, nil
}

// follow goes where a standby sends to, with the token, and never in the clear.
func follow(to *http.Request, via []*http.Request) error {
	if len(via) > redirects {
		return errors.New("it redirects on and on")
	}
	if to.URL.Scheme != "https" && !(to.URL.Scheme == "http" && via[0].URL.Scheme == "http" && loopback(to.URL.Hostname())) {
		return errors.New("it redirects to where the token would cross the network in the clear")
	}
	return nil
}

// answer is what the API answers, of which only this is used.
type answer struct {
	Data struct {
		Data     map[string]json.RawMessage `json:"data"`     // of a read; null when the version is deleted
		Metadata metadata                   `json:"metadata"` // of a read
		Keys     []string                   `json:"keys"`     // of a list
	} `json:"data"`
	Errors []string `json:"errors"`
}

type metadata struct {
	Version int `json:"version"`
}

// Read gives the value of the last version.
func (s *Server) Read(owner, name string) (secret.Text, error) {
	t, _, err := s.read(owner, name)
	return t, err
}

// read also gives the version: 0 when there never was one, of a deleted one its own, for both with
// fs.ErrNotExist.
func (s *Server) read(owner, name string) (secret.Text, int, error) {
	status, a, err := s.ask(http.MethodGet, "data", owner+"/"+name, nil)
	if err != nil {
		return secret.Text{}, 0, err
	}
	var value string
	switch raw, ok := a.Data.Data["value"]; {
	case status == http.StatusNotFound:
		return secret.Text{}, a.Data.Metadata.Version, fmt.Errorf("secret %s of %s: %w", name, owner, fs.ErrNotExist)
	case status != http.StatusOK:
		return secret.Text{}, 0, s.failed("read", owner, name, status, a)
	case !ok || json.Unmarshal(raw, &value) != nil || value == "" || len(value) > store.MaxSecret || a.Data.Metadata.Version < 1:
		return secret.Text{}, a.Data.Metadata.Version, fmt.Errorf("%s does not hold a secret of haprov: expected a text named value of 1 to %d bytes, in an engine of version 2", s.at(owner, name), store.MaxSecret)
	}
	return secret.Sensitive(value), a.Data.Metadata.Version, nil
}

// Create stores the first version, or the next one after a deleted one.
func (s *Server) Create(owner, name string, t secret.Text) error {
	_, version, err := s.read(owner, name)
	if err == nil {
		return fs.ErrExist
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err = s.write(owner, name, version, t)
	if errors.Is(err, store.ErrChanged) {
		return fs.ErrExist
	}
	return err
}

// Replace stores the next version. With old nil what is there need not be a secret of haprov.
func (s *Server) Replace(owner, name string, old *secret.Text, t secret.Text) error {
	now, version, err := s.read(owner, name)
	switch {
	case old == nil && (errors.Is(err, fs.ErrNotExist) || err != nil && version > 0):
	case err != nil:
		return err
	case old != nil && now.Reveal() != old.Reveal():
		return store.ErrChanged
	}
	return s.write(owner, name, version, t)
}

// write stores a version after the one named; store.ErrChanged when there is another one.
func (s *Server) write(owner, name string, after int, t secret.Text) error {
	if !utf8.ValidString(t.Reveal()) {
		return fmt.Errorf("secret %s of %s is not text in UTF-8, which Vault cannot hold", name, owner)
	}
	body, err := json.Marshal(map[string]any{"options": map[string]int{"cas": after}, "data": map[string]string{"value": t.Reveal()}})
	if err != nil {
		return err
	}
	status, a, err := s.ask(http.MethodPost, "data", owner+"/"+name, body)
	switch {
	case err != nil:
		return err
	case status == http.StatusOK || status == http.StatusNoContent:
		return nil
	case status != http.StatusBadRequest:
		return s.failed("write", owner, name, status, a)
	}
	// The version was refused, or the request: what is there tells.
	switch _, now, err := s.read(owner, name); {
	case now != after:
		return store.ErrChanged
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return s.failed("write", owner, name, status, a)
}

// Remove takes all versions away, and what is known of them.
func (s *Server) Remove(owner, name string) error {
	if _, version, err := s.read(owner, name); errors.Is(err, fs.ErrNotExist) && version == 0 {
		return nil // whoever only rotates needs no right to delete until there is something
	}
	status, a, err := s.ask(http.MethodDelete, "metadata", owner+"/"+name, nil)
	if err == nil && status != http.StatusOK && status != http.StatusNoContent && status != http.StatusNotFound {
		err = s.failed("delete", owner, name, status, a)
	}
	return err
}

// List names the entries of an owner that have a version.
func (s *Server) List(owner string) (out []string, err error) {
	status, a, err := s.ask("LIST", "metadata", owner, nil)
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusNotFound:
		return nil, nil
	case status != http.StatusOK:
		return nil, s.failed("list", owner, "", status, a)
	}
	for _, name := range a.Data.Keys {
		if !store.GoodName(name) {
			continue // of somebody else: a folder, or a name that haprov never gives
		}
		_, err := s.Read(owner, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, name)
	}
	return out, nil
}

// at is the path of an entry as the command-line clients name it.
func (s *Server) at(owner, name string) string {
	return strings.TrimRight(s.o.Mount+"/"+s.o.Path+"/"+owner+"/"+name, "/")
}

// ask makes one request. An error is one of the connection; any status is an answer.
func (s *Server) ask(method, kind, below string, body []byte) (status int, a answer, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.o.Address+"/v1/"+s.o.Mount+"/"+kind+"/"+s.o.Path+"/"+below, bytes.NewReader(body))
	if err != nil {
		return 0, a, err
	}
	r.Header.Set("X-Vault-Token", s.o.Token.Reveal())
	r.Header.Set("X-Vault-Request", "true") // an agent may ask for it, against requests that a browser was made to send
	if s.o.Namespace != "" {
		r.Header.Set("X-Vault-Namespace", s.o.Namespace)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.client.Do(r)
	if err != nil {
		var at *url.Error
		if errors.As(err, &at) { // its text has the URL again
			err = at.Err
		}
		return 0, a, fmt.Errorf("%s: %w: %w", s.o.Address, err, store.ErrUnavailable)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, a, fmt.Errorf("%s: %w: %w", s.o.Address, err, store.ErrUnavailable)
	case len(text) > maxAnswer:
		return 0, a, fmt.Errorf("%s: the answer has more than %d bytes: %w", s.o.Address, maxAnswer, store.ErrUnavailable)
	}
	// What encoding/json says of a text may hold a piece of it. A proxy's page is no JSON; nor are answers
	// without content. A 404 of the API is JSON; any other one says nothing of a secret.
	bad := json.Unmarshal(text, &a) != nil
	if bad && len(text) > 0 && resp.StatusCode < 300 || bad && resp.StatusCode == http.StatusNotFound {
		return 0, a, fmt.Errorf("%s: status %d, but not as Vault answers: %w", s.o.Address, resp.StatusCode, store.ErrUnavailable)
	}
	return resp.StatusCode, a, nil
}

// failed is an answer that is an error.
func (s *Server) failed(verb, owner, name string, status int, a answer) error {
	why := ""
	switch status {
	case http.StatusForbidden:
		why = ": the token is not valid any more, or its policy does not allow it"
	case http.StatusServiceUnavailable:
		why = ": it is sealed, or under maintenance"
	case http.StatusTooManyRequests:
		why = ": too many requests"
	}
	for _, e := range a.Errors[:min(len(a.Errors), 3)] {
		if e = shown(e); e != "" {
			why += ": " + e
		}
	}
	return fmt.Errorf("%s: %s %s: status %d%s: %w", s.o.Address, verb, s.at(owner, name), status, why, store.ErrUnavailable)
}

// shown is a text of the server as it may be printed.
func shown(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, secret.Mask(text))
	return strings.TrimSpace(text[:min(len(text), 300)])
}
