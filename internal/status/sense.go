// Package status tells how a cluster is: what each host says of links, disks, resources, servers
// and proxies, read from one batch of questions, and drawn as one screen.
//
// Pure: questions and answers are values. It decides nothing about what should be.
package status

import (
	"fmt"
	"strings"
	"time"

	"haprov/internal/cluster/corosync"
	"haprov/internal/cluster/drbd"
	"haprov/internal/cluster/galera"
	"haprov/internal/cluster/haproxy"
	"haprov/internal/cluster/mysql"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// Host is what one host says. A part is nil where there is no such thing; Silent names what should
// have answered and did not, or said what cannot be read.
type Host struct {
	Links       []corosync.Link        `json:"links,omitempty"`
	Quorum      *corosync.Quorum       `json:"quorum,omitempty"`
	Volumes     map[string]drbd.Status `json:"volumes,omitempty"`        // by minor
	Synced      map[string]string      `json:"synced_percent,omitempty"` // by minor, of resynchronisations under way
	Pacemaker   *pacemaker.State       `json:"pacemaker,omitempty"`
	Trouble     *pacemaker.Trouble     `json:"trouble,omitempty"`
	Server      *mysql.Server          `json:"server,omitempty"`
	Galera      *galera.Status         `json:"galera,omitempty"`
	Proxy       []haproxy.Server       `json:"proxy,omitempty"`
	Maintenance string                 `json:"maintenance,omitempty"`
	Addresses   []string               `json:"addresses,omitempty"`
	Silent      []string               `json:"silent,omitempty"`

	sticks []haproxy.Entry
}

// sensor is one question, what has to be installed for it, and what its answer fills in.
type sensor struct {
	name  string
	tool  string // the file that must be there, else there is nothing to ask
	shell string
	read  func(h *Host, text string) error
}

// socket is where the stacks' servers listen.
const socket = "/run/mysqld/mysqld.sock"

// absent is the exit status by which a host says that it has no such tool.
const absent = 196

var sensors = []sensor{
	{"addresses", "/sbin/ip", "ip -o -4 addr show", (*Host).readAddresses},
	{"links", "/usr/sbin/corosync-cfgtool", "corosync-cfgtool -n", func(h *Host, t string) (err error) {
		h.Links, err = corosync.ParseLinks(t)
		return err
	}},
	{"quorum", "/usr/sbin/corosync-quorumtool", "corosync-quorumtool -s || [ $? -le 2 ]", func(h *Host, t string) error {
		q, err := corosync.ParseQuorum(t)
		if err == nil {
			h.Quorum = &q
		}
		return err
	}},
	// Of DRBD 9 (api:2) the file tells the version alone.
	{"drbd", "/proc/drbd", "cat /proc/drbd\ngrep -q 'api:1/' /proc/drbd || drbdsetup status --json", (*Host).readVolumes},
	{"pacemaker", "/usr/sbin/crm_mon", "crm_mon -1 -r --output-as=xml", func(h *Host, t string) error {
		s, err := pacemaker.ParseMon(t)
		if err != nil {
			return err
		}
		x, err := pacemaker.ParseTrouble(t)
		h.Pacemaker, h.Trouble = &s, &x
		return err
	}},
	// A server that was killed leaves a socket that nobody listens on; where Pacemaker holds the
	// server back there is none.
	{"server", socket, "grep -q ' " + socket + "$' /proc/net/unix || exit " + fmt.Sprint(absent) + "\nc=$(command -v mariadb || command -v mysql)\n" +
		"timeout -k 1 6 \"$c\" --no-defaults --socket=" + socket + " --connect-timeout=4 -N -B -e " + shell.Quote(mysql.Question), (*Host).readServer},
	{"proxy", "/run/haproxy/admin.sock", `printf 'show stat\n' | socat -T5 - UNIX-CONNECT:/run/haproxy/admin.sock`, func(h *Host, t string) (err error) {
		h.Proxy, err = haproxy.ParseStat(t)
		return err
	}},
	{"writer", "/run/haproxy/admin.sock", `printf 'show table writer\n' | socat -T5 - UNIX-CONNECT:/run/haproxy/admin.sock`, func(h *Host, t string) (err error) {
		h.sticks, err = haproxy.ParseTable(t)
		return err
	}},
	{"maintenance", "/etc/haprov/maintenance", "head -c 200 /etc/haprov/maintenance", func(h *Host, t string) error {
		if h.Maintenance = strings.TrimSpace(t); h.Maintenance == "" {
			h.Maintenance = "on"
		}
		return nil
	}},
}

func (s sensor) query() probe.Query {
	q := probe.Cmd("status "+s.name, fmt.Sprintf("test -e %s || exit %d\n%s", s.tool, absent, s.shell))
	q.Timeout, q.Max = 8*time.Second, 256<<10
	return q
}

// Queries are asked of every host, all in one exchange. They only read.
func Queries() (out []probe.Query) {
	for _, s := range sensors {
		out = append(out, s.query())
	}
	return out
}

// Read takes the answers to Queries.
func Read(seen probe.Seen) (h Host) {
	for _, s := range sensors {
		a := seen.Get(s.query())
		switch {
		case a.State == probe.Unasked || a.State == probe.Answered && a.Exit == absent:
		case a.State == probe.Unanswered:
			h.Silent = append(h.Silent, s.name+": no answer in time")
		case a.Exit != 0:
			h.Silent = append(h.Silent, fmt.Sprintf("%s: %s", s.name, brief(a.Out)))
		default:
			if err := s.read(&h, a.Out); err != nil {
				h.Silent = append(h.Silent, fmt.Sprintf("%s: %v", s.name, err))
			}
		}
	}
	return h
}

// brief is the first line of an answer that is none.
func brief(s string) string {
	l, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if len(l) > 100 {
		l = l[:100]
	}
	if l == "" {
		return "no answer"
	}
	return l
}

func (h *Host) readAddresses(text string) error {
	for _, l := range strings.Split(text, "\n") {
		f := strings.Fields(l)
		if len(f) > 3 && f[2] == "inet" && !strings.HasPrefix(f[3], "127.") && len(h.Addresses) < 256 {
			h.Addresses = append(h.Addresses, f[3])
		}
	}
	return nil
}

func (h *Host) readVolumes(text string) (err error) {
	if _, list, ok := strings.Cut(text, "\n["); ok {
		h.Volumes, h.Synced, err = drbd.ParseSetup("[" + list)
		return err
	}
	h.Volumes, h.Synced = drbd.ParseAll(text), drbd.Progress(text)
	return nil
}

func (h *Host) readServer(text string) error {
	s, err := mysql.Parse(text)
	if err != nil {
		return err
	}
	h.Server = &s
	if s.Galera {
		g, err := galera.ParseStatus(text)
		if err != nil {
			return err
		}
		h.Galera = &g
	}
	return nil
}

// Has tells whether the host holds an address, written with or without its prefix length.
func (h Host) Has(address string) bool {
	ip, _, _ := strings.Cut(address, "/")
	for _, a := range h.Addresses {
		if have, _, _ := strings.Cut(a, "/"); have == ip && ip != "" {
			return true
		}
	}
	return false
}

// Writer is the server that a proxy sends writers to; empty when the host is no proxy, or has none.
func (h Host) Writer() string {
	var all []haproxy.Server
	for _, s := range h.Proxy {
		if s.Backend == "writer" {
			all = append(all, s)
		}
	}
	for _, e := range h.sticks {
		if name, stuck := haproxy.Writer(all, []haproxy.Entry{e}, e.Key); stuck {
			return name
		}
	}
	name, _ := haproxy.Writer(all, nil, "")
	return name
}
