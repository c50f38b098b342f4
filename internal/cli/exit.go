package cli

import (
	"context"
	"errors"

	"haprov/internal/drill"
	"haprov/internal/engine"
	"haprov/internal/kind"
	"haprov/internal/lab"
	"haprov/internal/transport"
)

// Exit codes. They are a promise to scripts.
const (
	exitDone        = 0
	exitInternal    = 1
	exitPending     = 2
	exitInput       = 10
	exitUnreachable = 11
	exitFailed      = 12
	exitLocked      = 13
	exitInterrupted = 14
	exitRefused     = 15
	exitDrill       = 16
	exitUnjudged    = 17
	exitFound       = 18
)

var exitHelp = `Exit codes:
   0  done
   1  an error of haprov's own, or of the machine it runs on
   2  changes are pending (plan --detailed-exitcode), or status is not healthy
  10  bad input: flags, inventory or recipe
  11  a host is unreachable, refused the login, or has another host key; the endpoint does not answer
  12  a step, a check or an SQL statement failed
  13  another run holds the lock
  14  interrupted
  15  refused: not approved, a requirement is not met, or data would be destroyed without --allow
  16  a drill failed
  17  a drill could not be judged, and none failed
  18  lint found something wrong, or could not read what it needs
`

// errInput marks bad flags and files; its text was shown already when it is empty.
type errInput struct{ text string }

func (e errInput) Error() string { return e.text }

// code finds the exit code of an error.
func code(err error) int {
	var in errInput
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errPending):
		return exitPending
	case errors.As(err, &in):
		return exitInput
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, engine.ErrLocked):
		return exitLocked
	case errors.Is(err, engine.ErrNotApproved), errors.Is(err, engine.ErrDanger), errors.Is(err, kind.ErrRequirement):
		return exitRefused
	case errors.Is(err, drill.ErrNotReady), errors.Is(err, errForbidden):
		return exitRefused
	case errors.Is(err, errDrill), errors.Is(err, drill.ErrNotHealed):
		return exitDrill
	case errors.Is(err, errUnjudged):
		return exitUnjudged
	case errors.Is(err, errFound):
		return exitFound
	case errors.Is(err, errStatement), errors.Is(err, errStock):
		return exitFailed
	case errors.Is(err, errNoAnswer):
		return exitUnreachable
	case errors.Is(err, transport.ErrUnreachable), errors.Is(err, transport.ErrAuth), errors.Is(err, transport.ErrHostKeyUnknown), errors.Is(err, transport.ErrHostKeyChanged), errors.Is(err, transport.ErrLost):
		return exitUnreachable
	case errors.Is(err, engine.ErrHosts), errors.Is(err, engine.ErrCheck):
		return exitFailed
	case errors.Is(err, lab.ErrNoLab), errors.Is(err, lab.ErrHalted):
		return exitInput
	}
	return exitInternal
}

var errPending = errors.New("pending")
