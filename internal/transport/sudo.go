package transport

import (
	"fmt"
	"io"
	"strings"
	"time"

	"haprov/internal/secret"
)

// sudo is the command line before /bin/sh, none without Become. The password goes in only after sudo
// has printed our own prompt: a sudo that wants none would leave it to the loop as data.
func (s *session) sudo() []string {
	switch {
	case !s.t.Become:
		return nil
	case s.t.SudoPassword == nil:
		return []string{"sudo", "-n", "--"}
	default:
		return []string{"sudo", "-S", "-p", s.prompt(), "--"}
	}
}

// asks says that sudo may ask for a password.
func (s *session) asks() bool { return s.t.Become && s.t.SudoPassword != nil }

func (s *session) prompt() string { return "haprov-" + s.nonce + ":" }

// clean takes our prompts out of what sudo said.
func (s *session) clean(said string) string {
	return strings.TrimSpace(strings.ReplaceAll(said, s.prompt(), ""))
}

// greet waits for the loop's greeting and answers sudo's question on the way.
func (s *session) greet(a *answer) error {
	done := make(chan struct{})
	defer close(done)
	if s.asks() {
		go s.answerSudo(done)
	}
	for {
		n, err := s.out.Read(s.buf)
		if n > 0 {
			if _, _, err := a.feed(s.buf[:n]); err != nil {
				return err
			}
			if a.begun {
				s.host = a.host
				return nil
			}
		}
		if err != nil {
			return s.ended(err, a)
		}
	}
}

// answerSudo gives the password once; when sudo asks again it was wrong.
func (s *session) answerSudo(done <-chan struct{}) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	given := false
	for {
		select {
		case <-done:
			return
		case <-s.alive:
			return
		case <-tick.C:
		}
		switch asked := strings.Count(s.errs.String(), s.prompt()); {
		case asked == 1 && !given:
			pass, err := s.t.SudoPassword()
			if err != nil {
				s.kill(fail(ErrSudo, err, "no password was given"))
				return
			}
			given = true
			secret.Learn(pass.Reveal())
			io.WriteString(s.in, pass.Reveal()+"\n")
		case asked > 1:
			s.kill(fail(ErrSudo, fmt.Errorf("wrong password for %s", s.t.User), "nothing ran on the host"))
			return
		}
	}
}
