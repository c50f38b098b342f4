package store

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"haprov/internal/secret"
)

// MaxSecret is how many bytes a secret may have.
const MaxSecret = 1 << 20

// Source is where the values of secrets are: a folder of this machine, or one of those below this
// package that several operators share. A secret has an owner, which is a cluster or "inventory", and
// a name; both were checked, have letters, digits, - and _, and begin with a letter or a digit. The
// name of a former value ends with ".former".
//
// Each call stands alone, has a deadline of its own and may be repeated. A source may be used from
// several goroutines, and by several processes at once. No error holds a value. ErrUnavailable is in
// those after which the other calls would fail, too.
type Source interface {
	// Read gives a value byte for byte; fs.ErrNotExist when there is none. It must not say so when it
	// could not look: a new value would be generated.
	Read(owner, name string) (secret.Text, error)
	// Create stores a value; fs.ErrExist when there is one, which stays. Of several at once one succeeds.
	Create(owner, name string, t secret.Text) error
	// Replace stores a value in place of old; ErrChanged when another one is there, which stays. With
	// old nil it takes the place of whatever is there, or of nothing.
	Replace(owner, name string, old *secret.Text, t secret.Text) error
	// Remove takes a value away; one that is not there is no error.
	Remove(owner, name string) error
	// List names the secrets of an owner, in any order, and its former values.
	List(owner string) ([]string, error)
}

// Refresher is a Source whose values may be stored in an outdated form: in the clear, or encrypted to
// other recipients. Refresh stores those that were read anew; no value changes.
type Refresher interface {
	Refresh() error
}

var (
	// ErrChanged: the value is not the one that was read; whoever gets it may read again.
	ErrChanged = errors.New("changed by another run meanwhile")
	// ErrUnavailable: the source could not be asked at all; nothing is known of what it holds.
	ErrUnavailable = errors.New("the secrets cannot be reached")
)

var goodName = regexp.MustCompile(`^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$`)

// GoodName tells whether something that a source lists is the name of a secret or of a former value.
func GoodName(name string) bool { return goodName.MatchString(strings.TrimSuffix(name, former)) }

func named(owner, name string) error {
	if !goodName.MatchString(owner) || !GoodName(name) {
		return fmt.Errorf("%q of %q is not a name of a secret", name, owner)
	}
	return nil
}

// nothing is a source without secrets.
type nothing struct{}

func (nothing) Read(string, string) (secret.Text, error) { return secret.Text{}, fs.ErrNotExist }
func (nothing) Create(string, string, secret.Text) error { return errors.ErrUnsupported }
func (nothing) Replace(string, string, *secret.Text, secret.Text) error {
	return errors.ErrUnsupported
}
func (nothing) Remove(string, string) error   { return errors.ErrUnsupported }
func (nothing) List(string) ([]string, error) { return nil, nil }

// Scratch is a store in which nothing exists and nothing is kept: to read an inventory without its
// secrets.
func Scratch() *Store { return New(nothing{}) }
