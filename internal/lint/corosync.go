package lint

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"haprov/internal/cluster/corosync"
)

const noCorosync = "neither a corosync.conf nor a cib.xml is here"

var corosyncChecks = []Check{
	{ID: "corosync-same", Group: "corosync", Severity: Critical,
		Title:  "corosync.conf says the same on all nodes",
		Why:    "Each node reads its own file. Nodes that disagree on time-outs, keys or members form no cluster after the next restart, or one that falls apart.",
		Source: "corosync.conf(5); Trento check BA215C",
		Remedy: "copy the right file to all nodes, then corosync-cfgtool -R on one", Command: "haprov up",
		Excluded: noCorosync, Reads: []string{"corosync.conf"}, judge: corosyncSame},
	{ID: "corosync-running", Group: "corosync", Severity: Warning,
		Title:  "Corosync runs with what its file says",
		Why:    "A file that was edited and not loaded takes effect at the next restart, which is in the middle of a failure more often than not.",
		Source: "corosync-cmapctl(8), corosync-cfgtool(8) -R; Trento checks 156F64 and 53D035",
		Remedy: "corosync-cfgtool -R; what cannot change at run time needs a restart of one node after the other", Command: "haprov up",
		Excluded: noCorosync, Reads: []string{"corosync.conf", "corosync-cmapctl.txt"}, judge: corosyncRunning},
	{ID: "corosync-token", Group: "corosync", Severity: Warning,
		Title:  "the token time-out is between 1 and 30 s",
		Why:    "Below a second a snapshot or a busy hypervisor is taken for a crash; Corosync raised its own default from 1 to 3 s for that. Beyond half a minute every failover waits for it.",
		Source: "corosync.conf(5), token; corosync pull request 600; Trento check A1244C",
		Remedy: "totem { token: 3000 } on all nodes, then corosync-cfgtool -R", Command: "set the recipe's input token, then haprov up",
		Excluded: noCorosync, Reads: []string{"corosync.conf"}, judge: corosyncToken},
	{ID: "corosync-consensus", Group: "corosync", Severity: Critical,
		Title:  "the consensus time-out fits the number of nodes",
		Why:    "Three nodes and more need longer to agree than to notice: with less than the token they form new memberships again and again. No cluster can do with less than the join time-out (50 ms).",
		Source: "corosync.conf(5), consensus",
		Remedy: "take consensus out: the default is 1.2 times the token; of two nodes a fifth of the token is safe", Command: "haprov up",
		Excluded: noCorosync, Reads: []string{"corosync.conf"}, judge: corosyncConsensus},
	{ID: "corosync-two-node-consensus", Group: "corosync", Severity: Advice,
		Title:  "of two nodes, the one that is left does not wait for agreement with nobody",
		Why:    "The default consensus time-out, 1.2 times the token, is added to every failover, though the survivor has nobody to agree with.",
		Source: "corosync.conf(5), consensus: for two nodes one larger than join and less than the token is safe",
		Remedy: "totem { consensus: a fifth of the token, at least 200 } on both nodes, then corosync-cfgtool -R", Command: "haprov up",
		Excluded: "the cluster has not exactly two nodes", Reads: []string{"corosync.conf"}, judge: corosyncTwoNodeConsensus},
	{ID: "corosync-links", Group: "corosync", Severity: Warning,
		Title:  "the nodes have two links, in two networks, and not the clients' network alone",
		Why:    "With one link a broken switch port or a flood of clients is the loss of a node, and the two fence each other.",
		Source: "corosync.conf(5), nodelist; Pacemaker Explained, fencing; Trento checks DA114A and 32CFC6",
		Remedy: "add ring1_addr of another network to every node, then corosync-cfgtool -R", Command: "give a second network the purpose ring in the inventory (carries), then haprov up",
		Excluded: noCorosync, Reads: []string{"corosync.conf", "cib.xml", "addresses.txt"}, judge: corosyncLinks},
	{ID: "corosync-crypto", Group: "corosync", Severity: Critical,
		Title:  "Corosync authenticates and encrypts what it sends",
		Why:    "Without, whoever reaches the port can take a node out, or be one. The transports udp and udpu cannot at all.",
		Source: "corosync.conf(5), crypto_cipher and crypto_hash (default none); corosync advisories of 2025 and 2026",
		Remedy: "transport: knet, crypto_cipher: aes256, crypto_hash: sha256, and a key of corosync-keygen on all nodes", Command: "haprov up",
		Excluded: noCorosync, Reads: []string{"corosync.conf"}, judge: corosyncCrypto},
	{ID: "corosync-key", Group: "corosync", Severity: Critical,
		Title:  "Corosync's key is the same on all nodes, and root's alone",
		Why:    "Nodes with different keys do not hear each other; who can read the key can be a node.",
		Source: "corosync-keygen(8); Trento check 33403D",
		Remedy: "copy /etc/corosync/authkey to all nodes; chown root:root and chmod 400 on it", Command: "haprov up",
		Excluded: "Corosync has no key, see corosync-crypto", Reads: []string{"modes.txt"}, judge: corosyncKey},
	{ID: "corosync-quorum", Group: "corosync", Severity: Critical,
		Title:  "votes, two_node and wait_for_all fit the number of nodes",
		Why:    "two_node lets one of two go on alone; with any other number, or beside a quorum device, both halves may. Without wait_for_all a node that boots alone fences its peer, which boots and fences it.",
		Source: "votequorum(5), two_node, wait_for_all, expected_votes; Trento checks 6E9B82 and C620DC",
		Remedy: "quorum { provider: corosync_votequorum } and, for exactly two nodes without a device, two_node: 1; leave wait_for_all and expected_votes out", Command: "haprov up",
		Excluded: noCorosync, Reads: []string{"corosync.conf"}, judge: corosyncQuorum},
	{ID: "corosync-names", Group: "corosync", Severity: Warning,
		Title:  "nodes have numbers, the names of their hosts, and addresses instead of names",
		Why:    "Pacemaker takes the name from here; DRBD, its fence handler and some agents take uname -n. When the two differ, a constraint or a fencing is of nobody. A name instead of an address makes the ring depend on a resolver.",
		Source: "corosync.conf(5), nodelist; Pacemaker Explained, where Pacemaker gets the node name; Trento check 438525",
		Remedy: "nodelist { node { name: what uname -n prints, nodeid: a number, ring0_addr: an IP address } } for every node", Command: "haprov up",
		Excluded: noCorosync, Reads: []string{"corosync.conf", "hostname", "cib.xml"}, judge: corosyncNames},
	{ID: "qdevice-settings", Group: "corosync", Severity: Warning,
		Title:  "the quorum device is elsewhere, has one vote, and is asked over TLS",
		Why:    "A third vote that runs on one of the nodes goes with it. Without TLS anybody on the way can vote.",
		Source: "corosync-qdevice(8), corosync.conf(5), quorum.device",
		Remedy: "quorum { device { model: net, votes: 1, net { host: a host that is none of the nodes, tls: required, algorithm: ffsplit } } }", Command: "haprov up, with role \"arbiter\" in the cluster",
		Excluded: "no quorum device is configured", Reads: []string{"corosync.conf"}, judge: qdeviceSettings},
	{ID: "qdevice-connected", Group: "corosync", Severity: Critical,
		Title:  "each node is connected to the quorum device",
		Why:    "While the third vote is away, the loss of one node of two stops the other.",
		Source: "corosync-qdevice-tool(8)",
		Remedy: "systemctl status corosync-qdevice on the node, corosync-qnetd-tool -l on the device's host", Command: "haprov up",
		Excluded: "no quorum device is configured", Reads: []string{"corosync.conf", "corosync-qdevice-tool.txt"}, judge: qdeviceConnected},
}

func corosyncSame(v *verdict, f *Facts) {
	var first *Host
	var want map[string]string
	known := 0
	f.rings(v, func(h *Host, c *corosync.Section) {
		known++
		have := flat(c)
		if first == nil {
			first, want = h, have
			return
		}
		var other []string
		for k := range have {
			if have[k] != want[k] {
				other = append(other, k)
			}
		}
		for k := range want {
			if _, ok := have[k]; !ok {
				other = append(other, k)
			}
		}
		slices.Sort(other)
		v.Is(len(other) == 0, at(h, h.Corosync, 0), "as on "+first.Name, "other values of %s", together(other[:min(len(other), 8)]))
	})
	switch n := f.size(); {
	case n == 1:
		v.None("the cluster has one node")
	case known > 0 && known < n:
		v.Unknown("", "corosync.conf of %d of %d nodes is here", known, n)
	}
}

// flat is a configuration as paths with their values. Repeated blocks are numbered.
func flat(c *corosync.Section) map[string]string {
	out := map[string]string{}
	var walk func(path string, s *corosync.Section)
	walk = func(path string, s *corosync.Section) {
		for _, k := range s.Keys {
			out[path+k.Name] = k.Value
		}
		n := map[string]int{}
		for _, x := range s.Sections {
			name := x.Name
			if n[x.Name]++; n[x.Name] > 1 {
				name = fmt.Sprintf("%s(%d)", name, n[x.Name])
			}
			walk(path+name+".", x)
		}
	}
	walk("", c)
	return out
}

func corosyncRunning(v *verdict, f *Facts) {
	f.rings(v, func(h *Host, c *corosync.Section) {
		runs, ok := need(v, h.Name, h.Cmap, "corosync-cmapctl.txt")
		if !ok {
			return
		}
		is := func(key, want string, line int) {
			if have, ok := runs[key]; ok {
				v.Is(have == want, at(h, h.Corosync, line), want, "Corosync runs with %s = %s", key, have)
			}
		}
		token, consensus, set := timing(c, len(c.All("nodelist", "node")))
		k, _ := c.Get("totem", "token")
		is("runtime.config.totem.token", strconv.Itoa(int(token/time.Millisecond)), k.Line)
		if set {
			k, _ = c.Get("totem", "consensus")
			is("runtime.config.totem.consensus", strconv.Itoa(int(consensus/time.Millisecond)), k.Line)
		}
		for _, p := range [][2]string{{"totem", "transport"}, {"totem", "crypto_cipher"}, {"totem", "crypto_hash"}, {"quorum", "two_node"}, {"quorum", "expected_votes"}} {
			if k, ok := c.Get(p[0], p[1]); ok {
				is(p[0]+"."+p[1], k.Value, k.Line)
			}
		}
	})
}

func corosyncToken(v *verdict, f *Facts) {
	f.rings(v, func(h *Host, c *corosync.Section) {
		k, ok := c.Get("totem", "token")
		n, err := 3000, error(nil)
		if ok {
			n, err = strconv.Atoi(k.Value)
		}
		v.Is(err == nil && n >= 1000 && n <= 30000, at(h, h.Corosync, k.Line), "1000 to 30000 ms", "token is %.20s ms", k.Value)
	})
}

func corosyncConsensus(v *verdict, f *Facts) {
	f.rings(v, func(h *Host, c *corosync.Section) {
		n := len(c.All("nodelist", "node"))
		token, consensus, set := timing(c, n)
		k, _ := c.Get("totem", "consensus")
		switch {
		case !set:
			v.OK()
		case n > 2:
			v.Is(consensus > token, at(h, h.Corosync, k.Line), fmt.Sprintf("more than the token, %d ms", token.Milliseconds()), "consensus is %d ms, of %d nodes", consensus.Milliseconds(), n)
		default:
			v.Is(consensus > 50*time.Millisecond, at(h, h.Corosync, k.Line), "more than the join time-out, 50 ms", "consensus is %d ms", consensus.Milliseconds())
		}
	})
}

func corosyncTwoNodeConsensus(v *verdict, f *Facts) {
	if f.size() != 2 {
		return
	}
	f.rings(v, func(h *Host, c *corosync.Section) {
		token, consensus, _ := timing(c, 2)
		k, _ := c.Get("totem", "consensus")
		v.Is(consensus < token, at(h, h.Corosync, k.Line), fmt.Sprintf("less than the token, such as %d", max(200, token.Milliseconds()/5)),
			"consensus is %d ms: each failover waits that long after the token's %d ms", consensus.Milliseconds(), token.Milliseconds())
	})
}

// network is the network of an address, as some host has it; else a guess: 24 bits of IPv4, 64 of IPv6.
func (f *Facts) network(a netip.Addr) netip.Prefix {
	for _, h := range f.Hosts {
		for _, p := range h.Addresses.Value {
			if p.Contains(a) && p.Bits() < p.Addr().BitLen() {
				return p.Masked()
			}
		}
	}
	p, _ := a.Prefix(map[bool]int{true: 24, false: 64}[a.Is4()])
	return p
}

func corosyncLinks(v *verdict, f *Facts) {
	f.rings(v, func(h *Host, c *corosync.Section) {
		for _, n := range c.All("nodelist", "node") {
			name, _ := n.Get("name")
			var nets []netip.Prefix
			links := 0
			for _, k := range n.Keys {
				if strings.HasPrefix(k.Name, "ring") && strings.HasSuffix(k.Name, "_addr") {
					links++
					if a, err := netip.ParseAddr(k.Value); err == nil {
						nets = append(nets, f.network(a))
					}
				}
			}
			where := at(h, h.Corosync, n.Line)
			who := "node " + cmp.Or(name.Value, "without a name")
			switch {
			case links < 2:
				v.Bad(where, "ring0_addr and ring1_addr", "%s has %d link", who, links)
				for _, ip := range f.virtualIPs() {
					if len(nets) > 0 && nets[0].Contains(ip.ip) {
						v.Bad(where, "a network of its own", "the only link of %s is in the clients' network, that of the virtual IP %s", who, ip.ip)
					}
				}
			case len(nets) == links && len(slices.Compact(slices.SortedFunc(slices.Values(nets), netip.Prefix.Compare))) < links:
				v.Bad(where, "each link in a network of its own", "two links of %s are in one network", who)
			default:
				v.OK()
			}
		}
	})
}

// virtualIPs are the addresses that Pacemaker moves.
func (f *Facts) virtualIPs() []virtualIP {
	for _, h := range f.Hosts {
		if h.CIB.State == Given {
			return h.CIB.Value.addresses()
		}
	}
	return nil
}

func corosyncCrypto(v *verdict, f *Facts) {
	f.rings(v, func(h *Host, c *corosync.Section) {
		transport, _ := c.Get("totem", "transport")
		if t := cmp.Or(transport.Value, "knet"); t != "knet" {
			v.Bad(at(h, h.Corosync, transport.Line), "transport: knet", "transport %.20s neither authenticates nor encrypts", t)
			return
		}
		if all, ok := c.Get("totem", "secauth"); ok && all.Value == "on" {
			v.OK()
			return
		}
		for _, name := range []string{"crypto_cipher", "crypto_hash"} {
			k, _ := c.Get("totem", name)
			value := cmp.Or(k.Value, "none")
			v.Is(value != "none", at(h, h.Corosync, k.Line), map[string]string{"crypto_cipher": "aes256", "crypto_hash": "sha256"}[name], "%s is %.20s", name, value)
		}
	})
}

func corosyncKey(v *verdict, f *Facts) {
	digest, on := "", ""
	for _, h := range f.nodes() {
		all, ok := need(v, h.Name, h.Modes, "modes.txt")
		if !ok {
			continue
		}
		i := slices.IndexFunc(all, func(x secretFile) bool { return x.name == "/etc/corosync/authkey" })
		if i < 0 {
			v.Unknown(h.Name, "no /etc/corosync/authkey in modes.txt")
			continue
		}
		key := all[i]
		v.Is(key.mode&0o077 == 0 && key.owner == "root", at(h, h.Modes, 0), "400 root", "authkey has mode %o and belongs to %.32s", key.mode, key.owner)
		switch {
		case len(key.digest) != 64:
			v.Unknown(h.Name, "no digest of the key in modes.txt")
		case digest == "":
			digest, on = key.digest, h.Name
		default:
			v.Is(key.digest == digest, at(h, h.Modes, 0), "that of "+on, "another key than on %s", on)
		}
	}
}

func corosyncQuorum(v *verdict, f *Facts) {
	f.rings(v, func(h *Host, c *corosync.Section) {
		n := len(c.All("nodelist", "node"))
		device := len(c.All("quorum", "device")) > 0
		get := func(name string) (corosync.Key, bool) { return c.Get("quorum", name) }
		provider, ok := get("provider")
		v.Is(ok && provider.Value == "corosync_votequorum", at(h, h.Corosync, provider.Line), "provider: corosync_votequorum", "no quorum provider")
		two, _ := get("two_node")
		where := at(h, h.Corosync, two.Line)
		switch on := two.Value == "1"; {
		case n == 0:
			v.Unknown(h.Name, "corosync.conf has no nodelist: the number of nodes is not known")
		case on && device:
			v.Bad(where, "no two_node", "two_node beside a quorum device")
		case on && n != 2:
			v.Bad(where, "no two_node", "two_node with %d nodes", n)
		case !on && !device && n == 2:
			v.Bad(where, "two_node: 1", "two nodes without two_node: when one fails, the other stops too")
		default:
			v.OK()
		}
		wait, ok := get("wait_for_all")
		v.Is(!ok || wait.Value != "0" || n != 2, at(h, h.Corosync, wait.Line), "left out: two_node sets it", "wait_for_all is 0: a node that boots alone fences its peer")
		votes, ok := get("expected_votes")
		v.Is(!ok || device || n == 0 || votes.Value == strconv.Itoa(n), at(h, h.Corosync, votes.Line), strconv.Itoa(n), "expected_votes is %.20s with %d nodes", votes.Value, n)
	})
}

func corosyncNames(v *verdict, f *Facts) {
	f.rings(v, func(h *Host, c *corosync.Section) {
		ids := map[string]bool{}
		var names []string
		nodes := c.All("nodelist", "node")
		if len(nodes) == 0 {
			v.Bad(at(h, h.Corosync, 0), "a node block for every node", "no nodelist: members come from multicast")
		}
		for _, n := range nodes {
			name, ok := n.Get("name")
			v.Is(ok, at(h, h.Corosync, n.Line), "name: what uname -n prints there", "a node has no name")
			if ok {
				names = append(names, name.Value)
			}
			id, ok := n.Get("nodeid")
			v.Is(ok && !ids[id.Value], at(h, h.Corosync, n.Line), "a number of its own for each node", "node %.40s has no nodeid, or another node's", name.Value)
			ids[id.Value] = true
			for _, k := range n.Keys {
				if strings.HasSuffix(k.Name, "_addr") {
					_, err := netip.ParseAddr(k.Value)
					v.Is(err == nil, at(h, h.Corosync, k.Line), "an IP address", "%s is a name, %.60s", k.Name, k.Value)
				}
			}
		}
		if own, ok := need(v, h.Name, h.Uname, "hostname"); ok && len(names) > 0 {
			v.Is(slices.Contains(names, own), at(h, h.Corosync, 0), together(names), "the host calls itself %.64s", own)
		}
		if cib := f.members(); len(cib) > 0 && len(names) > 0 {
			for _, n := range cib {
				v.Is(slices.Contains(names, n), at(h, h.Corosync, 0), together(names), "Pacemaker knows a node %.64s that Corosync does not", n)
			}
		}
	})
}

func qdeviceSettings(v *verdict, f *Facts) {
	f.rings(v, func(h *Host, c *corosync.Section) {
		var own []string
		for _, n := range c.All("nodelist", "node") {
			for _, k := range n.Keys {
				own = append(own, k.Value)
			}
		}
		for _, d := range c.All("quorum", "device") {
			where := at(h, h.Corosync, d.Line)
			votes, _ := d.Get("votes")
			algorithm, _ := d.Get("net", "algorithm")
			v.Is(algorithm.Value == "lms" || votes.Value == "1", where, "votes: 1", "the device has %.20s votes", cmp.Or(votes.Value, "no number of"))
			tls, _ := d.Get("net", "tls")
			v.Is(tls.Value != "off", where, "tls: required", "tls is off")
			host, _ := d.Get("net", "host")
			v.Is(host.Value != "" && !slices.Contains(own, host.Value), where, "a host that is none of the nodes", "the device is on %.60s", cmp.Or(host.Value, "no host"))
		}
	})
}

func qdeviceConnected(v *verdict, f *Facts) {
	if !f.device() {
		return
	}
	for _, h := range f.nodes() {
		if said, ok := need(v, h.Name, h.Qdevice, "corosync-qdevice-tool.txt"); ok {
			connected := false
			for l := range strings.Lines(said) {
				k, s, _ := strings.Cut(l, ":")
				connected = connected || strings.TrimSpace(k) == "State" && strings.TrimSpace(s) == "Connected"
			}
			v.Is(connected, at(h, h.Qdevice, 0), "State: Connected", "the node is not connected to the device")
		}
	}
}
