package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"haprov/internal/cluster/pacemaker"
)

const noPacemaker = "neither a cib.xml nor a corosync.conf is here"

// firedWithin is how old the last use of a fence device may be.
const firedWithin = 90 * 24 * time.Hour

var fencingChecks = []Check{
	{ID: "fencing-on", Group: "fencing", Severity: Critical,
		Title:  "fencing is on",
		Why:    "Without fencing the cluster does not know whether a silent node still writes. It starts the service a second time, and both sides take rows that cannot be joined again.",
		Source: "Pacemaker Explained, fencing; DRBD User's Guide, fencing; Trento check 205AF7",
		Remedy: "configure a fence device for each node, try it, then pcs property set stonith-enabled=true (or crm configure property)", Command: "haprov up",
		Excluded: noPacemaker, Reads: []string{"cib.xml"}, judge: fencingOn},
	{ID: "quorum-policy", Group: "fencing", Severity: Critical,
		Title:  "a part without quorum stops its resources",
		Why:    "no-quorum-policy=ignore runs resources in every part of a cluster that fell apart. For two nodes Corosync's two_node does what it was once used for, with fencing.",
		Source: "Pacemaker Explained, cluster options, no-quorum-policy; votequorum(5), two_node",
		Remedy: "pcs property set no-quorum-policy=stop, and two_node: 1 in corosync.conf when there are two nodes", Command: "haprov up",
		Excluded: noPacemaker, Reads: []string{"cib.xml"}, judge: quorumPolicy},
	{ID: "fencing-devices", Group: "fencing", Severity: Critical,
		Title:  "there is a fence device for each node",
		Why:    "A node that nobody can fence keeps its resources when it falls silent: the cluster waits for ever.",
		Source: "Pacemaker Explained, fencing devices; Trento check 205AF7",
		Remedy: "create a device with pcmk_host_list naming the node", Command: "add a fence block to the host in the inventory, then haprov up",
		Excluded: noPacemaker, Reads: []string{"cib.xml"}, judge: fencingDevices},
	{ID: "fencing-distinct", Group: "fencing", Severity: Critical,
		Title:  "no two nodes are fenced through the same service processor or plug",
		Why:    "A device that cuts the power of both nodes, or of the wrong one, turns one failure into two.",
		Source: "Pacemaker Explained, fencing; fence_ipmilan(8); Trento check 6E0DEC",
		Remedy: "correct ip and plug of the devices", Command: "correct the fence blocks of the inventory, then haprov up",
		Excluded: "there are not two fence devices that name an address", Reads: []string{"cib.xml"}, judge: fencingDistinct},
	{ID: "fencing-fired", Group: "fencing", Severity: Warning,
		Title:  "each node was fenced successfully within 90 days",
		Why:    "A device whose password, cable or firmware changed is found out in the failure that needs it.",
		Source: "Clusters from Scratch, fencing: test it; stonith_admin(8), --history",
		Remedy: "in a maintenance window: stonith_admin --reboot NODE, of the standby first", Command: "haprov verify --prove-fencing",
		Excluded: "fencing is off, see fencing-on", Reads: []string{"cib.xml", "fence-history.xml"}, judge: fencingFired},
	{ID: "fencing-delay", Group: "fencing", Severity: Warning,
		Title:  "of two nodes that lose each other, one is ahead",
		Why:    "Two nodes without a third vote fence each other at the same moment when their link breaks: both go down, or the one that served does.",
		Source: "Pacemaker Explained, priority-fencing-delay and pcmk_delay_base; Trento check 0AA227",
		Remedy: "priority-fencing-delay with a priority on the resources (pcs resource defaults priority=1), or pcmk_delay_base on one of the two devices", Command: "haprov up",
		Excluded: "not two nodes, or a quorum device decides", Reads: []string{"cib.xml", "corosync.conf"}, judge: fencingDelay},
	{ID: "fencing-delay-needless", Group: "fencing", Severity: Advice,
		Title:  "beside a quorum device, fencing does not wait",
		Why:    "The third vote decides which side goes on; the delay is only added to every failover.",
		Source: "corosync-qdevice(8); Pacemaker Explained, priority-fencing-delay",
		Remedy: "take priority-fencing-delay and pcmk_delay_base out", Command: "leave the recipe's input fencing_delay out, then haprov up",
		Excluded: "no quorum device is configured", Reads: []string{"cib.xml", "corosync.conf"}, judge: fencingDelayNeedless},
	{ID: "fencing-ipmi", Group: "fencing", Severity: Warning,
		Title:  "service processors switch off and on instead of cycling",
		Why:    "With the method cycle many report success before the power is gone, and cannot tell whether it was.",
		Source: "fence_ipmilan(8), method",
		Remedy: "take method out of the device: the default is onoff", Command: "take method out of the fence block's options, then haprov up",
		Excluded: "no fence device speaks IPMI", Reads: []string{"cib.xml"}, judge: fencingIPMI},
	{ID: "fencing-power-key", Group: "fencing", Severity: Warning,
		Title:  "a host that is switched off by its service processor goes at once",
		Why:    "Some service processors press the power key first. systemd takes that for a wish to shut down in order, and fencing waits for it.",
		Source: "logind.conf(5), HandlePowerKey; Red Hat, Configuring and managing high availability clusters, ACPI soft-off",
		Remedy: "HandlePowerKey=ignore in /etc/systemd/logind.conf, then systemctl restart systemd-logind", Command: "none: haprov does not manage logind.conf",
		Excluded: "no fence device speaks IPMI", Reads: []string{"cib.xml", "logind.conf"}, judge: fencingPowerKey},
	{ID: "sbd", Group: "fencing", Severity: Critical,
		Title:  "SBD has a watchdog, time to use it, and a third vote or a disk",
		Why:    "SBD without disk relies on quorum, which two nodes without a third vote never lose. A node that is declared dead before its watchdog has fired still writes.",
		Source: "sbd(8); Pacemaker Explained, stonith-watchdog-timeout; Trento checks B089BE and 68626E",
		Remedy: "SBD_DEVICE or a quorum device; stonith-watchdog-timeout at least twice SBD_WATCHDOG_TIMEOUT; SBD_DELAY_START=yes", Command: "none: haprov's recipes do not use SBD yet",
		Excluded: "no settings of SBD", Reads: []string{"sbd", "cib.xml", "corosync.conf"}, judge: sbd},
}

// options tells which fencing is configured; ok is false when there is nothing to judge.
func (f *Facts) fencing(v *verdict) (c *CIB, at place, ok bool) {
	c, at, ok = f.cib(v)
	if ok && !truth(c.properties["stonith-enabled"], true) {
		v.None("fencing is off, see fencing-on")
		return c, at, false
	}
	return c, at, ok
}

func fencingOn(v *verdict, f *Facts) {
	if c, at, ok := f.cib(v); ok {
		v.Is(truth(c.properties["stonith-enabled"], true), at, "true", "stonith-enabled is %.20s", c.properties["stonith-enabled"])
	}
}

func quorumPolicy(v *verdict, f *Facts) {
	if c, at, ok := f.cib(v); ok {
		p := c.properties["no-quorum-policy"]
		v.Is(p != "ignore", at, "stop", "no-quorum-policy is ignore")
	}
}

func fencingDevices(v *verdict, f *Facts) {
	c, at, ok := f.cib(v)
	if !ok {
		return
	}
	members := f.members()
	if len(members) == 0 {
		v.Unknown(at.Host, "neither cib.xml nor corosync.conf names the nodes")
	}
	for _, n := range members {
		found := c.watchdog()
		for _, d := range c.devices() {
			found = found || d.meta["target-role"] != "Stopped" && d.node.Fences(n)
		}
		v.Is(found, at, "a stonith resource that can fence it", "no fence device for node %.64s", n)
	}
}

func fencingDistinct(v *verdict, f *Facts) {
	c, at, ok := f.fencing(v)
	if !ok {
		return
	}
	had := map[string]primitive{}
	for _, d := range c.devices() {
		p := d.params
		ip := first(p["ip"], p["ipaddr"], p["ip_address"])
		if ip == "" || p["pcmk_host_map"] != "" {
			continue
		}
		key := ip + " port " + p["ipport"] + " plug " + first(p["plug"], p["port"])
		if old, twice := had[key]; twice && old.params["pcmk_host_list"] != p["pcmk_host_list"] {
			v.Bad(at, "a service processor or plug for each node", "%.64s and %.64s are the same device, %.60s, for %.60s and for %.60s", old.id, d.id, ip, old.params["pcmk_host_list"], p["pcmk_host_list"])
		} else if len(had) > 0 {
			v.OK()
		}
		had[key] = d
	}
}

func first(of ...string) string {
	for _, x := range of {
		if x != "" {
			return x
		}
	}
	return ""
}

func fencingFired(v *verdict, f *Facts) {
	c, at, ok := f.fencing(v)
	if !ok {
		return
	}
	last := map[string]time.Time{}
	see := func(host, when string) {
		if t, ok := moment(when); ok && t.After(last[host]) {
			last[host] = t
		}
	}
	record := c.properties["haprov-fencing-proved"]
	for _, p := range pacemaker.ParseProofs(record) {
		if p.Fired {
			see(p.Host, p.At)
		}
	}
	asked := record != ""
	for _, h := range f.nodes() {
		if h.Fencings.State == Given {
			asked = true
			for _, x := range h.Fencings.Value {
				see(x.Target, x.Completed)
			}
		}
	}
	if !asked {
		h := f.nodes()[0]
		need(v, h.Name, h.Fencings, "fence-history.xml")
		return
	}
	for _, n := range f.members() {
		switch t, was := last[n]; {
		case !was:
			v.Bad(at, "a fencing that succeeded", "no successful fencing of %.64s is known", n)
		default:
			v.Is(f.Now.Sub(t) < firedWithin, at, "within 90 days", "%.64s was last fenced %d days ago", n, int(f.Now.Sub(t)/(24*time.Hour)))
		}
	}
}

// moment reads a time as Pacemaker's tools and our record write it.
func moment(text string) (time.Time, bool) {
	text = strings.Replace(text, "T", " ", 1)
	for _, form := range []string{"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05.999999999Z07:00"} {
		if t, err := time.Parse(form, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// delays are what puts one side ahead: the cluster's own, whether any resource has a priority for it, the
// static delay before each of the nodes is fenced, and whether there is a random one.
func (c *CIB) delays(nodes []string) (priority time.Duration, weighted bool, static map[string]time.Duration, random bool) {
	priority, _ = span(c.properties["priority-fencing-delay"])
	heavy := func(m map[string]string) bool {
		n, err := strconv.Atoi(m["priority"])
		return err == nil && n > 0 || m["priority"] == "INFINITY"
	}
	weighted = heavy(c.defaults)
	static = map[string]time.Duration{}
	for _, p := range c.primitives {
		weighted = weighted || heavy(p.meta)
		for _, id := range p.inside {
			weighted = weighted || heavy(c.tops[id].meta)
		}
		if !p.fence() {
			continue
		}
		for _, n := range nodes {
			if p.node.Fences(n) {
				static[n] = max(static[n], p.delay(n))
			}
		}
		d, _ := span(p.params["pcmk_delay_max"])
		random = random || d > 0
	}
	return priority, weighted, static, random
}

// delay is how long a fence device waits before it fences a node: one time for all, or a list of NODE:TIME
// (Pacemaker Explained, pcmk_delay_base).
func (p primitive) delay(node string) time.Duration {
	text := p.params["pcmk_delay_base"]
	if !strings.Contains(text, ":") {
		d, _ := span(text)
		return d
	}
	for _, x := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(";, ", r) }) {
		if n, t, _ := strings.Cut(x, ":"); n == node {
			d, _ := span(t)
			return d
		}
	}
	return 0
}

func fencingDelay(v *verdict, f *Facts) {
	nodes := f.members()
	if len(nodes) != 2 || f.device() {
		return
	}
	c, at, ok := f.fencing(v)
	if !ok {
		return
	}
	priority, weighted, static, random := c.delays(nodes)
	a, b := static[nodes[0]], static[nodes[1]]
	switch {
	case priority > 0 && !weighted:
		v.Bad(at, "a resource with a priority above 0", "priority-fencing-delay without any priority: neither side is ahead")
	case priority > 0 || random || a != b:
		v.OK()
	case a == 0:
		v.Bad(at, "priority-fencing-delay, or pcmk_delay_base on one device", "no delay: two nodes that lose each other fence each other")
	default:
		v.Bad(at, "a delay on one of them", "pcmk_delay_base is %s on both devices: neither side is ahead", a)
	}
}

func fencingDelayNeedless(v *verdict, f *Facts) {
	if !f.device() {
		return
	}
	c, at, ok := f.fencing(v)
	if !ok {
		return
	}
	priority, _, static, _ := c.delays(f.members())
	longest := priority
	for _, d := range static {
		longest = max(longest, d)
	}
	v.Is(longest == 0, at, "no delay", "fencing waits %s though the quorum device decides", longest)
}

var ipmiAgents = []string{"fence_ipmilan", "fence_ipmilanplus", "fence_idrac", "fence_ilo3", "fence_ilo4", "fence_ilo5", "fence_imm", "external/ipmi"}

func (c *CIB) ipmi() (out []primitive) {
	for _, d := range c.devices() {
		if slices.Contains(ipmiAgents, d.kind) {
			out = append(out, d)
		}
	}
	return out
}

func fencingIPMI(v *verdict, f *Facts) {
	if c, at, ok := f.fencing(v); ok {
		for _, d := range c.ipmi() {
			v.Is(d.params["method"] != "cycle", at, "method onoff", "%.64s has the method cycle", d.id)
		}
	}
}

func fencingPowerKey(v *verdict, f *Facts) {
	c, _, ok := f.fencing(v)
	if !ok || len(c.ipmi()) == 0 {
		return
	}
	for _, h := range f.nodes() {
		if l, ok := need(v, h.Name, h.Logind, "logind.conf"); ok {
			v.Is(l["HandlePowerKey"] == "ignore", at(h, h.Logind, 0), "ignore", "HandlePowerKey is %.20s", first(l["HandlePowerKey"], "not set: poweroff"))
		}
	}
}

func sbd(v *verdict, f *Facts) {
	used := slices.ContainsFunc(f.Hosts, func(h *Host) bool { return h.SBD.State != Missing })
	if !used {
		return
	}
	c, cibAt, haveCIB := f.cib(v)
	for _, h := range f.nodes() {
		s, ok := need(v, h.Name, h.SBD, "sbd")
		if !ok {
			continue
		}
		where := at(h, h.SBD, 0)
		diskless := s["SBD_DEVICE"] == ""
		v.Is(!diskless || f.device() || f.size() > 2, where, "SBD_DEVICE, or a quorum device", "SBD without disk, and two nodes without a third vote")
		v.Is(s["SBD_DELAY_START"] != "" && s["SBD_DELAY_START"] != "no", where, "yes", "SBD_DELAY_START is %.20s: a fenced node may be back before its peer is done", first(s["SBD_DELAY_START"], "not set"))
		if !haveCIB {
			continue
		}
		watchdog, ok := span(first(s["SBD_WATCHDOG_TIMEOUT"], "5"))
		wait, set := span(c.properties["stonith-watchdog-timeout"])
		v.Is(!ok || !set || wait == 0 || wait >= 2*watchdog, cibAt, fmt.Sprintf("at least %s, twice the watchdog's", 2*watchdog), "stonith-watchdog-timeout is %s", wait)
		v.Is(!diskless || c.watchdog(), cibAt, "stonith-watchdog-timeout", "SBD without disk, and no stonith-watchdog-timeout: nobody waits for the watchdog")
	}
}
