package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"haprov/internal/transport"
)

// vagrant is the way to Vagrant's machines, as Vagrant itself tells it.
type vagrant struct {
	config *transport.SSHConfig
	pins   map[string]string // by host: the file its key is pinned in
}

// target fills in what Vagrant knows of a host.
func (v *vagrant) target(t transport.Target) transport.Target {
	t.Address, t.Port, t.User, t.Config, t.Become, t.Jumps = "", 0, "", v.config, true, ""
	if pin := v.pins[t.Name]; pin != "" && len(t.KnownHosts) == 0 {
		// By name: Vagrant gives machines other ports and addresses from one start to the next.
		t.KnownHosts, t.OnlyKnown, t.HostKeyAlias = []string{pin}, true, t.Name
	}
	return t
}

// vagrantWay asks Vagrant how to log in to hosts: in this folder, or in vagrant/ when only that
// holds a Vagrantfile. The error names those of them that do not run.
func (j *job) vagrantWay(ctx context.Context, hosts []string) (*vagrant, error) {
	dir := vagrantDir()
	env := os.Environ()
	if exe, err := os.Executable(); err == nil && os.Getenv("HAPROV") == "" {
		env = append(env, "HAPROV="+exe)
	}
	if path, err := filepath.Abs(j.path); err == nil && j.path != "" && os.Getenv("INVENTORY") == "" {
		env = append(env, "INVENTORY="+path)
	}
	ask := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, "vagrant", args...)
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.Output()
		var ended *exec.ExitError
		switch {
		case errors.Is(err, exec.ErrNotFound):
			err = errors.New("vagrant is not installed here; without --vagrant haprov makes machines of its own")
		case errors.As(err, &ended):
			err = fmt.Errorf("vagrant %s: %w: %s", args[0], err, strings.Join(strings.Fields(string(ended.Stderr)), " "))
		}
		return out, err
	}
	text, err := ask(append([]string{"ssh-config"}, hosts...)...)
	if err != nil {
		if states, err := ask("status", "--machine-readable"); err == nil {
			if off := notRunning(string(states), hosts); len(off) > 0 {
				return nil, fmt.Errorf("vagrant: %s: start them with vagrant up: %w", strings.Join(off, ", "), transport.ErrUnreachable)
			}
		}
		return nil, err
	}
	config, err := transport.ParseSSHConfig(text)
	if err != nil {
		return nil, fmt.Errorf("vagrant ssh-config: %w", err)
	}
	v := &vagrant{config: config, pins: map[string]string{}}
	store := vagrantFolder(dir)
	at := addressesIn(string(text))
	var mu sync.Mutex
	var all sync.WaitGroup
	var failed []error
	for _, h := range hosts {
		all.Go(func() {
			pin, err := pinned(ctx, store, h, at[h])
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = append(failed, fmt.Errorf("%s: %w", h, err))
			}
			v.pins[h] = pin
		})
	}
	all.Wait()
	return v, errors.Join(failed...)
}

// vagrantDir is the folder of the Vagrantfile: this one, or vagrant/ when only that has one.
func vagrantDir() string {
	if _, err := os.Stat("Vagrantfile"); err != nil {
		if _, err := os.Stat(filepath.Join("vagrant", "Vagrantfile")); err == nil {
			return "vagrant"
		}
	}
	return "."
}

// notRunning reads Vagrant's machine-readable status: TIME,NAME,state,STATE.
func notRunning(text string, hosts []string) (off []string) {
	state := map[string]string{}
	for line := range strings.Lines(text) {
		if f := strings.Split(strings.TrimSpace(line), ","); len(f) == 4 && f[2] == "state" {
			state[f[1]] = f[3]
		}
	}
	for _, h := range hosts {
		switch s := state[h]; s {
		case "running":
		case "":
			off = append(off, h+" is not in the Vagrantfile")
		default:
			off = append(off, h+" is "+strings.ReplaceAll(s, "_", " "))
		}
	}
	return off
}

// addressesIn finds what ssh-keyscan can ask, by host: port and address. Machines behind a
// ProxyCommand are left out.
func addressesIn(text string) map[string][2]string {
	all := map[string][2]string{}
	name := ""
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		at := all[name]
		switch key {
		case "Host":
			name = value
			continue
		case "HostName":
			at[1] = value
		case "Port":
			at[0] = value
		case "ProxyCommand":
			delete(all, name)
			name = "" // what follows of this block is nobody's
			continue
		default:
			continue
		}
		all[name] = at
	}
	delete(all, "")
	return all
}

var shownKey = regexp.MustCompile(`^\S+ ((?:ssh-|ecdsa-)[a-z0-9-]+ [A-Za-z0-9+/]+=*)$`)

// pinned is the file that holds a machine's host key, in Vagrant's own folder for the machine,
// which Vagrant empties when it destroys the machine. Vagrant made the machine and accepts any key
// of it; the first that it shows is pinned, and no other is accepted as long as it exists. It is ""
// when Vagrant keeps no folder here: the user's known_hosts decide then.
func pinned(ctx context.Context, store, host string, at [2]string) (string, error) {
	ids, _ := filepath.Glob(filepath.Join(store, "machines", host, "*", "id"))
	if len(ids) != 1 {
		return "", nil
	}
	pin := filepath.Join(filepath.Dir(ids[0]), "haprov_known_hosts")
	if _, err := os.Stat(pin); err == nil || at[0] == "" || at[1] == "" {
		return pin, nil
	}
	out, err := exec.CommandContext(ctx, "ssh-keyscan", "-T", "10", "-p", at[0], "--", at[1]).Output()
	var ended *exec.ExitError // no key, as below
	if err != nil && !errors.As(err, &ended) {
		return "", fmt.Errorf("ssh-keyscan: %w", err)
	}
	var keys bytes.Buffer
	for line := range strings.Lines(string(out)) {
		if m := shownKey.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			fmt.Fprintf(&keys, "%s %s\n", host, m[1])
		}
	}
	if keys.Len() == 0 {
		return "", fmt.Errorf("no SSH server showed a host key at %s port %s: %w", at[1], at[0], transport.ErrUnreachable)
	}
	next := fmt.Sprintf("%s.%d", pin, os.Getpid())
	if err := os.WriteFile(next, keys.Bytes(), 0o600); err != nil {
		return "", err
	}
	return pin, os.Rename(next, pin)
}
