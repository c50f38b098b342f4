package transport

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// A caller branches on these; errors.Is finds them. All but ErrTooLarge and ErrSudo leave the host untouched when Open returns them.
var (
	ErrUnreachable    = errors.New("unreachable")                 // no connection or no SSH there: may be tried again later
	ErrAuth           = errors.New("login refused")               // trying again with the same keys is useless
	ErrHostKeyUnknown = errors.New("host key unknown")            // pin it, see HostKeyError
	ErrHostKeyChanged = errors.New("host key changed")            // a person must decide; never continue
	ErrLost           = errors.New("connection lost")             // open a new session, look again at what is true
	ErrTooLarge       = errors.New("answer too large")            // the script printed more than Target.MaxAnswer
	ErrSudo           = errors.New("sudo refused")                // privileges or password are wrong
	ErrShell          = errors.New("no usable shell on the host") // the login shell ended before the loop began
)

// failure is a sentinel with its cause and, in brackets, the likely reason and what to do next.
type failure struct {
	kind  error
	cause error
	hint  string
}

func (f *failure) Error() string {
	s := f.kind.Error()
	if f.cause != nil {
		s += ": " + f.cause.Error()
	}
	if f.hint != "" {
		s += " (" + f.hint + ")"
	}
	return s
}

func (f *failure) Unwrap() []error {
	if f.cause == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.cause}
}

// spoken is an error as it may be shown: a host's part in its text is bounded and holds no control
// characters. What it wraps is for errors.Is alone.
type spoken struct{ err error }

func (s spoken) Unwrap() error { return s.err }

func (s spoken) Error() string {
	text := s.err.Error()
	if len(text) > maxSaid {
		text = text[:maxSaid/2] + " ... " + text[len(text)-maxSaid/2:]
	}
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || unicode.IsPrint(r) && r != unicode.ReplacementChar {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, "\\u%04x", r)
	}
	return b.String()
}

// plainly makes what leaves the package fit to be shown.
func plainly(err error) error {
	if err == nil {
		return nil
	}
	return spoken{err}
}

func fail(kind, cause error, hint string, args ...any) error {
	return &failure{kind, cause, fmt.Sprintf(hint, args...)}
}
