package transport

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/kevinburke/ssh_config"

	"haprov/internal/file"
)

// SSHConfig is parsed ssh_config text: the user's own, or what "vagrant ssh-config" prints. Read are HostName,
// Port, User, IdentityFile, IdentitiesOnly, ProxyJump, ProxyCommand, UserKnownHostsFile and
// HostKeyAlias. StrictHostKeyChecking is not: keys are always checked.
type SSHConfig struct{ layers []*ssh_config.Config }

// ParseSSHConfig reads texts; what an earlier one says wins. "Match exec" is an error.
func ParseSSHConfig(texts ...[]byte) (*SSHConfig, error) {
	c := &SSHConfig{}
	for _, text := range texts {
		layer, err := decodeSSHConfig(text, false)
		if err != nil {
			return nil, fmt.Errorf("ssh_config: %w", err)
		}
		c.layers = append(c.layers, layer)
	}
	return c, nil
}

// UserSSHConfig reads ~/.ssh/config and /etc/ssh/ssh_config; missing ones are empty.
func UserSSHConfig() (*SSHConfig, error) {
	home, _ := os.UserHomeDir()
	c := &SSHConfig{}
	const system = "/etc/ssh/ssh_config"
	for _, name := range []string{filepath.Join(home, ".ssh", "config"), system} {
		text, err := file.Read(name, maxSSHConfig)
		if errors.Is(err, os.ErrNotExist) || isNull(name) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("ssh_config: %w", err)
		}
		layer, err := decodeSSHConfig(text, name == system)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		c.layers = append(c.layers, layer)
	}
	return c, nil
}

// maxSSHConfig is how many bytes of one ssh_config file are read, maxIncluded how many files.
const (
	maxSSHConfig = 1 << 20
	maxIncluded  = 256
)

// decodeSSHConfig parses a text once it is known that what it includes are files of a bounded size:
// the parser opens whatever the names lead to and reads it to its end.
func decodeSSHConfig(text []byte, system bool) (*ssh_config.Config, error) {
	left := maxIncluded
	if err := included(text, system, 0, &left); err != nil {
		return nil, err
	}
	return ssh_config.Decode(bytes.NewReader(text))
}

// included reads what a text includes, and what that includes, as the parser will: relative names lie
// in ~/.ssh. Those of the system's own file are looked for below /etc/ssh too.
func included(text []byte, system bool, depth int, left *int) error {
	if depth > 5 { // the parser's own limit
		return errors.New("files include each other more than 5 deep")
	}
	home, _ := os.UserHomeDir()
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(strings.Replace(line, "=", " ", 1))
		if len(f) == 0 || !strings.EqualFold(f[0], "include") {
			continue
		}
		for _, name := range f[1:] {
			name = strings.Trim(name, `"`)
			places := []string{name}
			if rest, ok := strings.CutPrefix(name, "~/"); ok {
				places = []string{filepath.Join(home, rest)}
			} else if !filepath.IsAbs(name) {
				places = []string{filepath.Join(home, ".ssh", name)}
				if system {
					places = append(places, filepath.Join("/etc/ssh", name))
				}
			}
			for _, p := range places {
				if err := includedAt(p, system, depth, left); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func includedAt(pattern string, system bool, depth int, left *int) error {
	found, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	for _, name := range found {
		if *left--; *left < 0 {
			return fmt.Errorf("more than %d files are included", maxIncluded)
		}
		text, err := file.Read(name, maxSSHConfig)
		switch {
		case isNull(name):
		case err != nil:
			return fmt.Errorf("in Include: %w", err)
		default:
			if err := included(text, system, depth+1, left); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// Hosts are the names that have a block of their own, without patterns, in order.
func (c *SSHConfig) Hosts() []string {
	var names []string
	for _, l := range c.layers {
		for _, h := range l.Hosts {
			for _, p := range h.Patterns {
				if n := p.String(); !strings.ContainsAny(n, "*?!") {
					names = append(names, n)
				}
			}
		}
	}
	return names
}

func (c *SSHConfig) get(alias, key string) (string, error) {
	for _, l := range c.layers {
		if v, err := l.Get(alias, key); err != nil || v != "" {
			return strings.Trim(v, `"`), err
		}
	}
	return "", nil
}

func (c *SSHConfig) all(alias, key string) (vs []string, err error) {
	for _, l := range c.layers {
		v, err := l.GetAll(alias, key)
		if err != nil {
			return nil, err
		}
		vs = append(vs, v...)
	}
	return vs, nil
}

// fill gives t what it does not say itself. Chains of ProxyJump are followed, at most eight deep.
func (c *SSHConfig) fill(t Target) (Target, error) { return c.fillAt(t, 0) }

func (c *SSHConfig) fillAt(t Target, depth int) (Target, error) {
	if depth > 8 {
		return t, fmt.Errorf("ssh_config: ProxyJump of %s is a cycle", t.Name)
	}
	alias := t.Name
	if alias == "" {
		alias = t.Address
	}
	val := map[string]string{}
	for _, key := range []string{"HostName", "Port", "User", "HostKeyAlias", "ProxyJump", "ProxyCommand", "IdentitiesOnly"} {
		v, err := c.get(alias, key)
		if err != nil {
			return t, fmt.Errorf("ssh_config: %s of %s: %w", key, alias, err)
		}
		val[key] = v
	}
	if t.Address == "" {
		t.Address = strings.ReplaceAll(val["HostName"], "%h", alias)
	}
	if t.Port == 0 && val["Port"] != "" {
		p, err := strconv.Atoi(val["Port"])
		if err != nil || p < 1 || p > 65535 {
			return t, fmt.Errorf("ssh_config: Port of %s is %q, expected 1 to 65535", alias, val["Port"])
		}
		t.Port = p
	}
	if t.User == "" {
		t.User = val["User"]
	}
	if t.HostKeyAlias == "" {
		t.HostKeyAlias = val["HostKeyAlias"]
	}
	if strings.EqualFold(val["IdentitiesOnly"], "yes") {
		t.UseAgent = false
	}
	if len(t.KeyFiles) == 0 {
		files, err := c.all(alias, "IdentityFile")
		if err != nil {
			return t, err
		}
		for _, f := range files {
			if f = expand(f, t); exists(f) { // ssh passes over missing ones too
				t.KeyFiles = append(t.KeyFiles, f)
			}
		}
	}
	known, err := c.get(alias, "UserKnownHostsFile")
	if err != nil {
		return t, err
	}
	for _, f := range strings.Fields(known) {
		t.KnownHosts = append(t.KnownHosts, expand(f, t))
	}
	if t.Dial != nil || t.Jump != nil || t.Proxy != "" {
		return t, nil
	}
	if j := val["ProxyJump"]; j != "" && j != "none" {
		return c.jump(t, j, depth)
	}
	if p := val["ProxyCommand"]; p != "none" {
		t.Proxy = p
	}
	return t, nil
}

// jump sets t.Jump from "[user@]host[:port]" or a list of them, the last next to t.
func (c *SSHConfig) jump(t Target, list string, depth int) (Target, error) {
	hops := strings.Split(list, ",")
	var via *Target
	for _, h := range hops {
		j := Target{KeyFiles: nil, UseAgent: t.UseAgent, Passphrase: t.Passphrase, KnownHosts: t.KnownHosts, Timeout: t.Timeout, Jump: via}
		h = strings.TrimPrefix(strings.TrimSpace(h), "ssh://")
		if u, rest, ok := strings.Cut(h, "@"); ok {
			j.User, h = u, rest
		}
		if host, port, ok := strings.Cut(h, ":"); ok && !strings.Contains(port, ":") {
			h = host
			if p, err := strconv.Atoi(port); err == nil {
				j.Port = p
			}
		}
		j.Name = h
		j, err := c.fillAt(j, depth+1)
		if err != nil {
			return t, err
		}
		if list == t.Jumps { // the inventory's own: so are keys and known hosts
			j.OnlyKnown = t.OnlyKnown
			if len(j.KeyFiles) == 0 {
				j.KeyFiles = t.KeyFiles
			}
		}
		via = &j
	}
	t.Jump = via
	return t, nil
}

// expand replaces ~ and the tokens that ssh_config allows in file names.
func expand(f string, t Target) string {
	home, _ := os.UserHomeDir()
	if rest, ok := strings.CutPrefix(f, "~/"); ok {
		f = filepath.Join(home, rest)
	}
	me := ""
	if u, err := user.Current(); err == nil {
		me = u.Username
	}
	return strings.NewReplacer("%%", "%", "%d", home, "%h", t.Address, "%r", t.User, "%u", me).Replace(strings.Trim(f, `"`))
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
