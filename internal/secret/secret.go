// Package secret holds values that must never be printed, and masks them in what the program
// prints.
//
// It knows nothing about where secrets come from or go to; the store is its child package.
package secret

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sync"
)

// Text is a string that may be secret. A sensitive one prints as (sensitive) with every verb
// and in JSON; only Reveal gives its value. The zero value is the empty, plain string.
type Text struct {
	value     string
	sensitive bool
}

// Plain is a text that may be shown.
func Plain(s string) Text { return Text{value: s} }

// Sensitive is a secret: a text that must never be shown. It is masked from now on in whatever
// leaves the program.
func Sensitive(s string) Text {
	Learn(s)
	return Holding(s)
}

// Holding is a text that must not be shown because it holds secrets among other things, as a
// rendered file does. Of it only those secrets are masked in what leaves the program.
func Holding(s string) Text { return Text{value: s, sensitive: true} }

// Reveal gives the value itself. Call it only where the value leaves for its one destination.
func (t Text) Reveal() string { return t.value }

// IsSensitive reports whether the value must be hidden.
func (t Text) IsSensitive() bool { return t.sensitive }

// Empty reports whether there is no value.
func (t Text) Empty() bool { return t.value == "" }

const hidden = "(sensitive)"

// String is the value of a plain text and (sensitive) for a secret one.
func (t Text) String() string {
	if t.sensitive {
		return hidden
	}
	return t.value
}

// Format hides the value from every verb, %#v included.
func (t Text) Format(s fmt.State, verb rune) {
	if verb == 'q' || (verb == 'v' && s.Flag('#')) {
		fmt.Fprintf(s, "%q", t.String())
		return
	}
	io.WriteString(s, t.String())
}

// MarshalText hides the value in JSON and other encodings.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

var runKey = sync.OnceValue(func() []byte {
	k := make([]byte, 32)
	if _, err := rand.Read(k); err != nil {
		panic(err)
	}
	return k
})

// Fingerprint tells whether two values are the same without telling what they are: keyed with
// a value drawn once a process, so that it is of no use outside one plan.
func Fingerprint(s string) string {
	m := hmac.New(sha256.New, runKey())
	io.WriteString(m, s)
	return hex.EncodeToString(m.Sum(nil)[:4])
}
