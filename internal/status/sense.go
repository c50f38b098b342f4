// Package status tells how a cluster is: what each host says of links, disks, resources, servers
// and proxies, read from one batch of questions, and drawn as one screen.
//
// Pure: questions and answers are values. It decides nothing about what should be.
package status

import (
	"fmt"
	"slices"
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
	Node        int                    `json:"-"` // Corosync's own number of the host; 0: none
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

	writers map[string]string // by backend, of those declared
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
		h.Node, h.Links, err = corosync.ParseLinks(t)
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
}

// sensors are those for a host: those of the tools, then those of what is declared.
func (d Declared) sensors() []sensor {
	out := slices.Clone(sensors)
	for _, file := range d.Maintenance {
		out = append(out, sensor{"maintenance", file, "head -c 200 " + shell.Quote(file), func(h *Host, t string) error {
			if h.Maintenance = strings.TrimSpace(t); h.Maintenance == "" {
				h.Maintenance = "on"
			}
			return nil
		}})
	}
	asked := map[string]bool{}
	for _, p := range d.Proxies {
		if !asked[p.Socket] {
			asked[p.Socket] = true
			out = append(out, p.servers())
		}
		out = append(out, p.writer())
	}
	return out
}

// ask sends a command to HAProxy's runtime socket (HAProxy Management Guide, 9.3).
func (p Proxy) ask(words string) string {
	return "printf '%s\\n' " + shell.Quote(words) + " | socat -T5 - UNIX-CONNECT:" + shell.Quote(p.Socket)
}

func (p Proxy) servers() sensor {
	return sensor{"proxy", p.Socket, p.ask("show stat"), func(h *Host, t string) error {
		all, err := haproxy.ParseStat(t)
		h.Proxy = append(h.Proxy, all...)
		return err
	}}
}

// writer is the server that the backend's sessions go to.
func (p Proxy) writer() sensor {
	return sensor{"writer " + p.Backend, p.Socket, p.ask("show table " + p.Backend), func(h *Host, t string) error {
		entries, err := haproxy.ParseTable(t)
		if err != nil {
			return err
		}
		if h.writers == nil {
			h.writers = map[string]string{}
		}
		h.writers[p.Backend], _ = haproxy.Writer(h.backend(p.Backend), entries, p.Key)
		return nil
	}}
}

func (s sensor) query() probe.Query {
	q := probe.Cmd("status "+s.name, fmt.Sprintf("test -e %s || exit %d\n%s", shell.Quote(s.tool), absent, s.shell))
	q.Timeout, q.Max = 8*time.Second, 256<<10
	return q
}

// Queries are asked of a host, all in one exchange. They only read.
func Queries(d Declared) (out []probe.Query) {
	for _, s := range d.sensors() {
		out = append(out, s.query())
	}
	return out
}

// Read takes the answers to Queries.
func Read(seen probe.Seen, d Declared) (h Host) {
	for _, s := range d.sensors() {
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

// backend are the servers of a backend, as the host's proxy sees them.
func (h Host) backend(name string) (out []haproxy.Server) {
	for _, s := range h.Proxy {
		if s.Backend == name {
			out = append(out, s)
		}
	}
	return out
}
