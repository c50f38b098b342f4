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
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/probe"
)

// Host is what one host says. A part is nil where there is no such thing; Silent names what should
// have answered and did not, or said what cannot be read.
type Host struct {
	Links       []corosync.Link        `json:"links,omitempty"`
	Quorum      *corosync.Quorum       `json:"quorum,omitempty"`
	Volumes     map[string]drbd.Status `json:"volumes,omitempty"`        // by minor
	Synced      string                 `json:"synced_percent,omitempty"` // of a resynchronisation under way
	Fenced      bool                   `json:"fence_constraint,omitempty"`
	Pacemaker   *pacemaker.State       `json:"pacemaker,omitempty"`
	Server      *Server                `json:"server,omitempty"`
	Galera      *galera.Status         `json:"galera,omitempty"`
	Proxy       []haproxy.Server       `json:"proxy,omitempty"`
	Maintenance string                 `json:"maintenance,omitempty"`
	Addresses   []string               `json:"addresses,omitempty"`
	Silent      []string               `json:"silent,omitempty"`

	sticks []haproxy.Entry
}

// Server is a database server that answers.
type Server struct {
	Version  string `json:"version"`
	ReadOnly bool   `json:"read_only"`
	Uptime   int    `json:"uptime_seconds"`
}

// sensor is one question, what has to be installed for it, and what its answer fills in.
type sensor struct {
	name  string
	tool  string // the file that must be there, else there is nothing to ask
	shell string
	read  func(h *Host, text string) error
}

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
	{"drbd", "/proc/drbd", "cat /proc/drbd", func(h *Host, t string) error {
		h.Volumes = drbd.ParseAll(t)
		if _, rest, ok := strings.Cut(t, "sync'ed:"); ok {
			h.Synced, _, _ = strings.Cut(strings.TrimSpace(rest), "%")
			if h.Synced = strings.TrimSpace(h.Synced); len(h.Synced) > 5 || strings.Trim(h.Synced, "0123456789.") != "" {
				h.Synced = ""
			}
		}
		return nil
	}},
	{"pacemaker", "/usr/sbin/crm_mon", "crm_mon -1 -r --output-as=xml", func(h *Host, t string) error {
		s, err := pacemaker.ParseMon(t)
		if err == nil {
			h.Pacemaker = &s
			h.Fenced = strings.Contains(t, `id="drbd-fence-by-handler`)
		}
		return err
	}},
	// Where Pacemaker holds the server back there is none, and no socket to ask.
	{"server", "/run/mysqld/mysqld.sock", `timeout -k 1 6 mariadb --no-defaults --connect-timeout=4 -N -B -e "SELECT 'version', VERSION(); SELECT 'read_only', @@read_only; SHOW GLOBAL STATUS WHERE Variable_name = 'uptime' OR Variable_name LIKE 'wsrep\_%'"`, (*Host).readServer},
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

func (h *Host) readServer(text string) error {
	f := map[string]string{}
	for _, l := range strings.Split(text, "\n") {
		if k, v, ok := strings.Cut(l, "\t"); ok {
			f[strings.ToLower(k)] = v
		}
	}
	if f["version"] == "" {
		return fmt.Errorf("%s", brief(text))
	}
	s := Server{Version: f["version"], ReadOnly: f["read_only"] != "0"}
	if len(s.Version) > 60 {
		s.Version = s.Version[:60]
	}
	fmt.Sscan(f["uptime"], &s.Uptime)
	h.Server = &s
	if f["wsrep_cluster_status"] != "" && f["wsrep_local_state_comment"] != "" && f["wsrep_provider_name"] != "" {
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
