package transport

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknown "golang.org/x/crypto/ssh/knownhosts"

	"haprov/internal/file"
)

// HostKeyError is a host whose key was refused. It is ErrHostKeyUnknown or ErrHostKeyChanged.
type HostKeyError struct {
	Addr    string   // as looked up in known_hosts
	Got     string   // SHA-256 fingerprint of what the host showed
	Want    []string // changed: fingerprints of what is pinned, with file and line
	Line    string   // unknown: the known_hosts line that would pin the key
	File    string   // unknown: where to put it
	Revoked bool
}

// Is makes errors.Is find the sentinel.
func (e *HostKeyError) Is(target error) bool {
	if len(e.Want) > 0 || e.Revoked {
		return target == ErrHostKeyChanged
	}
	return target == ErrHostKeyUnknown
}

func (e *HostKeyError) Error() string {
	switch {
	case e.Revoked:
		return fmt.Sprintf("host key revoked: %s shows %s, which known_hosts marks @revoked (do not log in; find out who answers there)", e.Addr, e.Got)
	case len(e.Want) > 0:
		return fmt.Sprintf("host key changed: %s shows %s, pinned is %s (possibly a man in the middle; if the machine was really reinstalled, remove the old line by hand)", e.Addr, e.Got, strings.Join(e.Want, ", "))
	default:
		return fmt.Sprintf("host key unknown: %s shows %s (compare it on the machine's console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub; when it is the same, add to %s: %s)", e.Addr, e.Got, e.File, e.Line)
	}
}

// hostKeys checks one host's key against known_hosts and remembers what came of it.
type hostKeys struct {
	addr     string // looked up
	db       *knownhosts.HostKeyDB
	pin      string // file a new key belongs into
	accepted bool
	refusal  error
}

func (t Target) hostKeys() (*hostKeys, error) {
	files := slices.Clone(t.KnownHosts)
	home, _ := os.UserHomeDir()
	if !t.OnlyKnown {
		files = append(files, filepath.Join(home, ".ssh", "known_hosts"), "/etc/ssh/ssh_known_hosts")
	}
	h := &hostKeys{addr: t.hostPort()}
	if len(files) > 0 {
		h.pin = files[0]
	}
	if t.HostKeyAlias != "" {
		h.addr = net.JoinHostPort(t.HostKeyAlias, "22")
	}
	var found []string
	for _, f := range files {
		// Looked at here, since knownhosts opens whatever a name leads to and reads it to its end.
		switch _, err := file.Read(f, maxKnown); {
		case errors.Is(err, os.ErrNotExist), isNull(f): // /dev/null means none
		case err != nil:
			return nil, fmt.Errorf("known_hosts: %w", err)
		default:
			found = append(found, f)
		}
	}
	var err error
	if h.db, err = knownhosts.NewDB(found...); err != nil {
		return nil, fmt.Errorf("known_hosts: %w", err)
	}
	return h, nil
}

// maxKnown is how many bytes of one known_hosts file are read.
const maxKnown = 16 << 20

// isNull reports whether a name leads to the null device, which users put where a file is to be empty.
func isNull(name string) bool {
	real, err := filepath.EvalSymlinks(name)
	return err == nil && real == os.DevNull
}

func (h *hostKeys) known() bool { return len(h.db.HostKeys(h.addr)) > 0 }

// algorithms are those of the keys we know, so that the host shows one that can be compared; all
// when we know none, so that its fingerprint can be told.
func (h *hostKeys) algorithms(safe []string) []string {
	pinned := h.db.HostKeyAlgorithms(h.addr)
	if len(pinned) == 0 {
		return slices.DeleteFunc(slices.Clone(safe), func(a string) bool { return strings.Contains(a, "-cert-") })
	}
	return slices.DeleteFunc(slices.Clone(safe), func(a string) bool { return !slices.Contains(pinned, a) })
}

func (h *hostKeys) check(addr string, remote net.Addr, key ssh.PublicKey) error {
	h.refusal = h.judge(addr, remote, key)
	h.accepted = h.refusal == nil
	return h.refusal
}

func (h *hostKeys) judge(addr string, remote net.Addr, key ssh.PublicKey) error {
	if _, ok := remote.(*net.TCPAddr); !ok {
		// A connection through a lab or a proxy: what lies at its other end is no address to look up.
		remote = &net.TCPAddr{IP: net.IPv4zero}
	}
	if c, ok := key.(ssh.CryptoPublicKey); ok {
		if r, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok && r.N.BitLen() < 2048 {
			return fail(ErrHostKeyUnknown, nil, "the host's RSA key has only %d bits: make an ed25519 one", r.N.BitLen())
		}
	}
	err := h.db.HostKeyCallback()(addr, remote, key)
	if err == nil {
		return nil
	}
	bad := &HostKeyError{Addr: knownhosts.Normalize(addr), Got: key.Type() + " " + ssh.FingerprintSHA256(key), File: h.pin}
	var mismatch *xknown.KeyError
	var revoked *xknown.RevokedError
	switch {
	case errors.As(err, &revoked):
		bad.Revoked = true
	case errors.As(err, &mismatch) && len(mismatch.Want) > 0:
		for _, k := range mismatch.Want {
			bad.Want = append(bad.Want, fmt.Sprintf("%s %s in %s:%d", k.Key.Type(), ssh.FingerprintSHA256(k.Key), k.Filename, k.Line))
		}
	case errors.As(err, &mismatch):
		bad.Line = knownhosts.Line([]string{addr}, key)
	default:
		return fail(ErrHostKeyChanged, err, "the host's certificate is not good")
	}
	return bad
}
