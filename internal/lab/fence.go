package lab

import (
	"bufio"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// The fence device: one line in, one line out, on each network's gateway.
//
//	haprov-fence 1 TOKEN ACTION [TARGET]    ->    ok TEXT   or   no REASON
//
// Actions are off, on, reboot, status, list and monitor. The rules:
//   - Power actions are serial. Two machines that shoot at each other cannot both hit.
//   - The token says who asks, and which of its boots. A machine that is off or dying is refused,
//     also when its request waited behind the one that kills it.
//   - off and reboot say ok only when every process of the target is gone and its disks are
//     closed. Whether it boots again after that is no part of the answer to reboot.
//   - A machine that the user powered off stays off; fencing it is a success, for it is off.
//   - A machine does not fence itself: nobody could believe its answer.

const (
	fenceLine = 30 * time.Second // for the request to arrive
	fenceAct  = 2 * time.Minute  // for the action, its wait for others included
)

var errRefused = errors.New("refused")

// serveFence answers requests until the listener is closed.
func (s *supervisor) serveFence(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(fenceLine))
			line, err := bufio.NewReader(io.LimitReader(conn, 1024)).ReadString('\n')
			if err != nil {
				return
			}
			ctx, cancel := context.WithTimeout(context.Background(), fenceAct)
			defer cancel()
			text, err := s.fence(ctx, line)
			conn.SetDeadline(time.Now().Add(fenceLine))
			if err != nil {
				fmt.Fprintf(conn, "no %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
				return
			}
			fmt.Fprintf(conn, "ok %s\n", text)
		}()
	}
}

// fence judges one request and does it.
func (s *supervisor) fence(ctx context.Context, line string) (string, error) {
	words := strings.Fields(line)
	if len(words) < 4 || len(words) > 5 || words[0] != "haprov-fence" || words[1] != "1" {
		return "", errors.New("not a request: haprov-fence 1 TOKEN ACTION [TARGET]")
	}
	token, action, target := words[2], words[3], ""
	if len(words) == 5 {
		target = words[4]
	}
	asker := s.holder(token)
	if asker == nil {
		s.diary.note(Event{Kind: "fence", Host: target, Action: action, Text: "refused: the token is of no running machine"})
		return "", fmt.Errorf("%w: the token is of no running machine", errRefused)
	}
	switch action {
	case "monitor":
		return "ready", nil
	case "list":
		return strings.Join(s.names(), " "), nil
	}
	u := s.unit(target)
	if u == nil {
		return "", fmt.Errorf("no machine %q in this lab", target)
	}
	switch action {
	case "status":
		if s.alive(u) {
			return "on", nil
		}
		return "off", nil
	case "on", "off", "reboot":
		return s.shoot(ctx, asker, token, action, u)
	}
	return "", fmt.Errorf("unknown action %q", action)
}

func (s *supervisor) shoot(ctx context.Context, asker *unit, token, action string, u *unit) (answer string, err error) {
	arrived := time.Now()
	err = s.serial(ctx, func() error {
		if asker == u && action != "on" {
			return fmt.Errorf("%w: a machine does not fence itself", errRefused)
		}
		if s.holder(token) != asker {
			return fmt.Errorf("%w: %s was fenced or powered off meanwhile", errRefused, asker.host.Name)
		}
		if s.refuses(u.host.Name) {
			return fmt.Errorf("%w: a fault is in force on the device of %s", errRefused, u.host.Name)
		}
		if action != "on" {
			answer = "off"
			if err := s.kill(u); err != nil {
				return err
			}
		}
		if action == "off" {
			return nil
		}
		if s.held(u.host.Name) {
			if action == "on" {
				return fmt.Errorf("%s was powered off by the user", u.host.Name)
			}
			answer = "off; stays off, the user powered it off"
			return nil
		}
		return s.again(u, action, &answer)
	})
	s.diary.note(Event{Kind: "fence", Host: u.host.Name, From: asker.host.Name, Action: action, OK: err == nil,
		Text: answer + textOf(err), Seconds: time.Since(arrived).Seconds()})
	return answer, err
}

// again starts the machine. For a reboot a start that does not work changes nothing in the
// answer: the target is off, and that is what was asked to be certain.
func (s *supervisor) again(u *unit, action string, answer *string) error {
	err := s.start(u)
	switch {
	case err == nil && action == "on":
		*answer = "on"
	case err == nil:
		*answer = "off and started again"
	case action == "reboot":
		*answer = "off, and did not start again: " + err.Error()
		return nil
	}
	return err
}

// holder finds the running machine whose present boot has this token.
func (s *supervisor) holder(token string) *unit {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.units {
		if u.token != "" && u.alive() && subtle.ConstantTimeCompare([]byte(u.token), []byte(token)) == 1 {
			return u
		}
	}
	return nil
}

func (s *supervisor) unit(name string) *unit {
	for _, u := range s.all() {
		if u.host.Name == name {
			return u
		}
	}
	return nil
}

func (s *supervisor) names() []string {
	var all []string
	for _, u := range s.all() {
		all = append(all, u.host.Name)
	}
	return all
}

func (s *supervisor) refuse(host string, on bool) {
	s.mu.Lock()
	if s.refusing == nil {
		s.refusing = map[string]bool{}
	}
	s.refusing[host] = on
	s.mu.Unlock()
	action := "the fence device obeys"
	if on {
		action = "the fence device refuses"
	}
	s.diary.note(Event{Kind: "fault", Host: host, From: "user", Action: action, OK: true})
}

func (s *supervisor) refuses(host string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusing[host]
}
