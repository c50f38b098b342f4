package lint

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"haprov/internal/cluster/drbd"
)

const noVolumes = "no DRBD resource is here"

var drbdChecks = []Check{
	{ID: "drbd-protocol", Group: "drbd", Severity: Critical,
		Title:  "a write is acknowledged when it is on both disks (protocol C)",
		Why:    "With A or B what was acknowledged last is only in a buffer when the active side loses power.",
		Source: "DRBD User's Guide, replication modes; drbd.conf(5), protocol",
		Remedy: "net { protocol C; } on both hosts, then drbdadm adjust", Command: "haprov up",
		Excluded: noVolumes, Reads: []string{"*.res", "global_common.conf"}, judge: drbdProtocol},
	{ID: "drbd-fencing", Group: "drbd", Severity: Critical,
		Title:  "DRBD freezes writes until a lost peer is fenced (resource-and-stonith), or needs a quorum",
		Why:    "Without, a side that is cut off goes on writing, and so does the side that takes over. With resource-only it acknowledges writes that the fencing then throws away.",
		Source: "DRBD User's Guide, fencing; drbd.conf(5), fencing; LINBIT: fencing on both levels, DRBD's and Pacemaker's",
		Remedy: "fencing resource-and-stonith; in disk (8.4) or net (9) with the handlers, on both hosts, then drbdadm adjust", Command: "haprov up",
		Excluded: noVolumes, Reads: []string{"*.res", "global_common.conf"}, judge: drbdFencing},
	{ID: "drbd-handlers", Group: "drbd", Severity: Critical,
		Title:  "there is a handler that fences, one that takes it back, and they are of the module's version",
		Why:    "A frozen side with no handler stays frozen. A fence constraint that nobody takes back makes the next failover impossible. Scripts for DRBD 9 do not work with 8.4, nor the other way round.",
		Source: "DRBD User's Guide, Pacemaker fencing (crm-fence-peer.sh of 8.4, crm-fence-peer.9.sh of 9)",
		Remedy: "handlers { fence-peer, unfence-peer and after-resync-target with the scripts of the loaded version }", Command: "haprov up",
		Excluded: "no DRBD resource with fencing is here", Reads: []string{"*.res", "global_common.conf", "drbd-proc.txt"}, judge: drbdHandlers},
	{ID: "drbd-unfence", Group: "drbd", Severity: Advice,
		Title:  "the fence constraint is taken back on both occasions",
		Why:    "after-resync-target alone is missed when the target restarts just then; the constraint stays, and the next failover cannot happen though all looks well.",
		Source: "drbd.conf(5), unfence-peer and after-resync-target",
		Remedy: "handlers { unfence-peer and after-resync-target, the same script }", Command: "haprov up",
		Excluded: "no DRBD resource of version 8.4 with a fence handler is here", Reads: []string{"*.res", "global_common.conf"}, judge: drbdUnfence},
	{ID: "drbd-handler-timeout", Group: "drbd", Severity: Critical,
		Title:  "the fence handler waits longer than Pacemaker takes to fence",
		Why:    "The handler gives up first otherwise: the survivor's writes stay frozen, or it goes on before its peer is dead. The default waits 90 s, and 20 s for a coordinator, which is less than an election and a fencing can take.",
		Source: "crm-fence-peer.sh, --timeout and --dc-timeout; Trento check 373DB8",
		Remedy: "fence-peer \"... --timeout T --dc-timeout D\": T above token, consensus, delay and the device's time-out together, D above T", Command: "set the recipe's inputs handler_timeout and coordinator_timeout, then haprov up",
		Excluded: "no DRBD resource with crm-fence-peer is here", Reads: []string{"*.res", "corosync.conf", "cib.xml"}, judge: drbdHandlerTimeout},
	{ID: "drbd-split-brain", Group: "drbd", Severity: Critical,
		Title:  "DRBD never discards written data by itself",
		Why:    "An automatic policy chooses a side after a split brain, and the rows that the other took are gone without a word.",
		Source: "DRBD User's Guide, automatic split brain recovery policies; drbd.conf(5), after-sb-0pri",
		Remedy: "after-sb-0pri disconnect; after-sb-1pri disconnect; after-sb-2pri disconnect;", Command: "haprov up",
		Excluded: noVolumes, Reads: []string{"*.res", "global_common.conf"}, judge: drbdSplitBrain},
	{ID: "drbd-two-primaries", Group: "drbd", Severity: Critical,
		Title:  "one side at a time is primary",
		Why:    "Two primaries under a file system that is not made for it (ext4, xfs) destroy it.",
		Source: "drbd.conf(5), allow-two-primaries",
		Remedy: "take allow-two-primaries out, then drbdadm adjust", Command: "haprov up",
		Excluded: noVolumes, Reads: []string{"*.res", "global_common.conf", "cib.xml"}, judge: drbdTwoPrimaries},
	{ID: "drbd-io-error", Group: "drbd", Severity: Warning,
		Title:  "a disk that fails is left out, and the peer's is used",
		Why:    "pass_on, the default of 8.4, hands the error to the file system, which goes read-only though the peer's copy is good.",
		Source: "drbd.conf(5), on-io-error",
		Remedy: "disk { on-io-error detach; }, then drbdadm adjust", Command: "haprov up",
		Excluded: noVolumes, Reads: []string{"*.res", "global_common.conf"}, judge: drbdIOError},
	{ID: "drbd-flushes", Group: "drbd", Severity: Warning,
		Title:  "DRBD flushes the disks' caches",
		Why:    "Without flushes an acknowledged write may only be in a disk's cache, which a power cut empties; only caches with a battery are safe.",
		Source: "drbd.conf(5), disk-flushes and md-flushes",
		Remedy: "take disk-flushes no and md-flushes no out, unless the cache has a battery", Command: "haprov up",
		Excluded: noVolumes, Reads: []string{"*.res", "global_common.conf"}, judge: drbdFlushes},
	{ID: "drbd-resync-rate", Group: "drbd", Severity: Warning,
		Title:  "a resynchronisation leaves room on a link that the ring shares",
		Why:    "A side that returns is brought up to date at this rate. When that fills the link, Corosync's messages are late, and the side that just returned is fenced again.",
		Source: "DRBD User's Guide, rate of synchronisation: a third of what is there",
		Remedy: "disk { resync-rate, with c-plan-ahead 0, or c-max-rate: a third of the link }, then drbdadm adjust; or a link for replication alone", Command: "set the recipe's input resync_rate, then haprov up",
		Excluded: "no DRBD resource on a network of the ring is here", Reads: []string{"*.res", "corosync.conf", "addresses.txt", "links.txt"}, judge: drbdResyncRate},
	{ID: "drbd-verify-alg", Group: "drbd", Severity: Warning,
		Title:  "the two copies can be compared",
		Why:    "Without an algorithm drbdadm verify refuses, and nobody learns that the copies differ until the other one is needed.",
		Source: "DRBD User's Guide, on-line device verification",
		Remedy: "net { verify-alg crc32c; }, then drbdadm adjust", Command: "haprov up",
		Excluded: noVolumes, Reads: []string{"*.res", "global_common.conf"}, judge: drbdVerifyAlg},
	{ID: "drbd-verified", Group: "drbd", Severity: Advice,
		Title:  "the two copies were compared within thirty days",
		Why:    "A block that a disk or a controller damaged stays unseen on the standby until it takes over. A comparison finds it while the good copy is there.",
		Source: "DRBD User's Guide, on-line device verification: weekly or monthly",
		Remedy: "drbdadm verify all, on one host, by a timer", Command: "haprov verify --volumes",
		Excluded: "no DRBD resource is here, or the journal is younger than thirty days and tells of no comparison", Reads: []string{"drbd-verified.txt"}, judge: drbdVerified},
	{ID: "drbd-auth", Group: "drbd", Severity: Warning,
		Title:  "peers show each other that they know a secret",
		Why:    "Without, any machine that takes the peer's address is sent the data.",
		Source: "drbd.conf(5), cram-hmac-alg and shared-secret",
		Remedy: "net { cram-hmac-alg sha256; shared-secret \"...\"; } on both hosts, the file readable for root alone", Command: "haprov up",
		Excluded: noVolumes, Reads: []string{"*.res", "global_common.conf"}, judge: drbdAuth},
	{ID: "drbd-module", Group: "drbd", Severity: Warning,
		Title:  "the loaded module is the one that the next boot loads",
		Why:    "An upgrade that waits for a reboot brings another version in the middle of a failure, and on one side first.",
		Source: "modinfo(8); DRBD User's Guide, upgrading",
		Remedy: "put the host in standby, reload the module or reboot, then the other", Command: "haprov maintenance HOST on, reboot it, haprov maintenance HOST off",
		Excluded: noVolumes, Reads: []string{"drbd-module.txt"}, judge: drbdModule},
	{ID: "drbd-in-sync", Group: "drbd", Severity: Critical,
		Title:  "both copies are up to date and connected",
		Why:    "A side that lags cannot take over.",
		Source: "DRBD User's Guide, disk states; /proc/drbd of 8.4",
		Remedy: "drbdadm status; after a verify that found differences: drbdadm disconnect and connect", Command: "haprov status",
		Excluded: "no DRBD resource of version 8.4 is here", Reads: []string{"drbd-proc.txt"}, judge: drbdInSync},
}

func (r resource) at(h *Host, line int) place {
	if line == 0 {
		line = r.line
	}
	return place{h.Name, r.file, line}
}

func drbdProtocol(v *verdict, f *Facts) {
	f.volumes(v, func(h *Host, r resource) {
		p, line, ok := r.get("net", "protocol")
		if !ok {
			p, line, ok = r.get("", "protocol")
		}
		v.Is(!ok || p == "C", r.at(h, line), "protocol C", "%.64s replicates with protocol %.10s", r.name, p)
	})
}

// policy is how DRBD fences: of 8.4 an option of the disk, of 9 of the net.
func (r resource) policy() (value string, line int) {
	value, line, ok := r.get("net", "fencing")
	if !ok {
		value, line, _ = r.get("disk", "fencing")
	}
	return value, line
}

func (r resource) quorum() bool {
	q, _, _ := r.get("options", "quorum")
	return q != "" && q != "off"
}

func drbdFencing(v *verdict, f *Facts) {
	f.volumes(v, func(h *Host, r resource) {
		p, line := r.policy()
		v.Is(p == "resource-and-stonith" || r.quorum(), r.at(h, line), "fencing resource-and-stonith, or quorum majority", "%.64s has fencing %.40s", r.name, first(p, "dont-care, the default"))
	})
}

// scripts are a resource's handlers that fence and take it back, by their names.
func (r resource) scripts() (fence string, line int, back []string) {
	fence, line, _ = r.get("handlers", "fence-peer")
	for _, n := range []string{"unfence-peer", "after-resync-target"} {
		if s, _, ok := r.get("handlers", n); ok && s != "" {
			back = append(back, s)
		}
	}
	return fence, line, back
}

func drbdHandlers(v *verdict, f *Facts) {
	f.volumes(v, func(h *Host, r resource) {
		if p, _ := r.policy(); p == "" || p == "dont-care" {
			return
		}
		fence, line, back := r.scripts()
		v.Is(fence != "", r.at(h, line), "fence-peer", "%.64s has no handler that fences the peer", r.name)
		unfence := slices.ContainsFunc(back, func(s string) bool { return strings.Contains(s, "unfence") })
		v.Is(unfence || !strings.Contains(fence, "crm-fence-peer"), r.at(h, line), "unfence-peer and after-resync-target", "%.64s has no handler that takes the fence constraint back", r.name)
		for _, s := range append([]string{fence}, back...) {
			if !strings.Contains(s, "fence-peer") {
				continue
			}
			nine := strings.Contains(s, ".9.sh")
			switch version := h.drbdVersion(r); {
			case version == 8:
				v.Is(!nine, r.at(h, line), "the scripts without .9", "%.64s has handlers of DRBD 9 with version 8.4", r.name)
			case version == 9:
				v.Is(nine || !strings.Contains(s, "crm-"), r.at(h, line), "the scripts with .9", "%.64s has handlers of DRBD 8.4 with version 9", r.name)
			}
		}
	})
}

func drbdUnfence(v *verdict, f *Facts) {
	f.volumes(v, func(h *Host, r resource) {
		fence, line, back := r.scripts()
		if strings.Contains(fence, "crm-fence-peer") && h.drbdVersion(r) == 8 && len(back) > 0 {
			v.Is(len(back) == 2, r.at(h, line), "unfence-peer and after-resync-target", "%.64s has only one of the two", r.name)
		}
	})
}

func drbdHandlerTimeout(v *verdict, f *Facts) {
	f.volumes(v, func(h *Host, r resource) {
		fence, line, _ := r.scripts()
		if !strings.Contains(fence, "crm-fence-peer") {
			return
		}
		// the script's own defaults
		timeout, coordinator := option(fence, "--timeout", 90), option(fence, "--dc-timeout", 20)
		where := r.at(h, line)
		v.Is(coordinator > timeout, where, "more than --timeout", "%.64s: --dc-timeout is %.0f s, --timeout %.0f s", r.name, coordinator.Seconds(), timeout.Seconds())
		c, _, ok := f.cib(v)
		ring, known := need(v, h.Name, h.Corosync, "corosync.conf")
		if !ok || !known {
			return
		}
		token, consensus, _ := timing(ring, f.size())
		delay, device := c.longest(f.members())
		least := token + consensus + delay + device
		v.Is(timeout > least, where, fmt.Sprintf("more than %.0f s", least.Seconds()), "%.64s: --timeout is %.0f s; detection takes %.1f s, the delay %.0f s, the device up to %.0f s",
			r.name, timeout.Seconds(), (token + consensus).Seconds(), delay.Seconds(), device.Seconds())
	})
}

// longest is the longest delay, and the longest that a fence device may take.
func (c *CIB) longest(nodes []string) (delay, device time.Duration) {
	delay, _ = span(c.properties["priority-fencing-delay"])
	general, ok := span(c.properties["stonith-timeout"])
	if !ok {
		general = time.Minute // Pacemaker Explained, stonith-timeout
	}
	for _, d := range c.devices() {
		x, _ := span(d.params["pcmk_delay_max"])
		delay = max(delay, x)
		for _, n := range nodes {
			delay = max(delay, d.delay(n))
		}
		if x, ok := span(d.params["pcmk_reboot_timeout"]); ok {
			device = max(device, x)
		} else {
			device = max(device, general)
		}
	}
	return delay, device
}

// option is the seconds behind a script's option, or beside it with =.
func option(command, name string, def int) time.Duration {
	f := strings.Fields(command)
	for i, w := range f {
		value, ok := strings.CutPrefix(w, name+"=")
		if w == name && i+1 < len(f) {
			value, ok = f[i+1], true
		}
		if n, err := strconv.Atoi(value); ok && err == nil && n >= 0 && n < 1e6 {
			return time.Duration(n) * time.Second
		}
	}
	return time.Duration(def) * time.Second
}

func drbdSplitBrain(v *verdict, f *Facts) {
	// of each option the values that discard nothing written
	safe := map[string][]string{"after-sb-0pri": {"disconnect", "discard-zero-changes"}, "after-sb-1pri": {"disconnect", "consensus"}, "after-sb-2pri": {"disconnect"}, "rr-conflict": {"disconnect", "retry-connect", "auto-discard"}}
	f.volumes(v, func(h *Host, r resource) {
		for _, name := range []string{"after-sb-0pri", "after-sb-1pri", "after-sb-2pri", "rr-conflict"} {
			p, line, ok := r.get("net", name)
			v.Is(!ok || slices.Contains(safe[name], p), r.at(h, line), "disconnect", "%.64s has %s %.40s", r.name, name, p)
		}
		asbp, line := r.on("net", "always-asbp")
		v.Is(!asbp, r.at(h, line), "left out", "%.64s has always-asbp", r.name)
	})
}

func drbdTwoPrimaries(v *verdict, f *Facts) {
	shared := slices.ContainsFunc(f.Hosts, func(h *Host) bool {
		return h.CIB.State == Given && slices.ContainsFunc(h.CIB.Value.filesystems(), func(p primitive) bool {
			return p.params["fstype"] == "gfs2" || p.params["fstype"] == "ocfs2"
		})
	})
	f.volumes(v, func(h *Host, r resource) {
		two, line := r.on("net", "allow-two-primaries")
		v.Is(!two || shared, r.at(h, line), "left out", "%.64s allows two primaries", r.name)
	})
}

func drbdIOError(v *verdict, f *Facts) {
	f.volumes(v, func(h *Host, r resource) {
		p, line, ok := r.get("disk", "on-io-error")
		if !ok && h.drbdVersion(r) == 9 {
			p = "detach" // its default
		}
		v.Is(p == "detach", r.at(h, line), "detach", "%.64s has on-io-error %.20s", r.name, first(p, "pass_on, the default of 8.4"))
	})
}

func drbdFlushes(v *verdict, f *Facts) {
	f.volumes(v, func(h *Host, r resource) {
		v.OK()
		for _, name := range []string{"disk-flushes", "md-flushes", "disk-barrier"} {
			if p, line, ok := r.get("disk", name); ok && p == "no" && name != "disk-barrier" {
				v.Bad(r.at(h, line), "left out", "%.64s has %s no", r.name, name)
			}
			if on, line := r.on("disk", "no-"+name); on && name != "disk-barrier" {
				v.Bad(r.at(h, line), "left out", "%.64s has no-%s", r.name, name)
			}
		}
	})
}

func drbdResyncRate(v *verdict, f *Facts) {
	f.volumes(v, func(h *Host, r resource) {
		own, ok := r.address(h)
		if !ok || !f.ringOn(own) {
			return
		}
		name, text, line := "c-max-rate", "100M", 0 // the controller's default
		if p, _, ok := r.get("disk", "c-plan-ahead"); ok && p == "0" {
			name, text = "resync-rate", "250k"
		}
		if x, l, ok := r.get("disk", name); ok {
			text, line = x, l
		}
		rate, fine := bytes(text)
		if last := text[max(len(text)-1, 0):]; strings.Trim(last, "0123456789") == "" {
			rate *= 1024 // KiB/s without a unit
		}
		if _, ok := need(v, h.Name, h.Addresses, "addresses.txt"); !ok {
			return
		}
		speeds, ok := need(v, h.Name, h.Links, "links.txt")
		if !ok {
			return
		}
		mbit, err := strconv.ParseFloat(speeds[h.Interfaces[own]], 64)
		if err != nil || mbit <= 0 || !fine {
			v.Unknown(h.Name, "the speed of the link with %s is not known", own)
			return
		}
		// a little more than a third, for the units differ: MiB here, and Mbit there
		v.Is(rate*8 <= mbit*1e6*0.36, r.at(h, line), fmt.Sprintf("at most %.0fM", mbit*1e6*0.36/8/(1<<20)), "%.64s resynchronises at %.20s on a link of %.0f Mbit/s that the ring shares", r.name, text, mbit)
	})
}

// address is a host's own in a resource: of the section on with its name, or the only one that is one of
// the host's addresses.
func (r resource) address(h *Host) (netip.Addr, bool) {
	for _, s := range drbd.In(r.block, "on") {
		names := s.Words[min(1, len(s.Words)):]
		for _, a := range drbd.In(s.Block, "address") {
			w := a.Words[len(a.Words)-1]
			ip, err := netip.ParseAddrPort(w)
			if err != nil {
				continue
			}
			_, here := h.Interfaces[ip.Addr()]
			if here || slices.Contains(names, h.Name) || slices.Contains(names, h.Uname.Value) {
				return ip.Addr(), true
			}
		}
	}
	return netip.Addr{}, false
}

// ringOn tells whether a ring of Corosync goes over an address.
func (f *Facts) ringOn(a netip.Addr) bool {
	for _, h := range f.Hosts {
		if h.Corosync.State != Given {
			continue
		}
		for _, n := range h.Corosync.Value.All("nodelist", "node") {
			for _, k := range n.Keys {
				if ip, err := netip.ParseAddr(k.Value); err == nil && ip == a {
					return true
				}
			}
		}
	}
	return false
}

func drbdVerifyAlg(v *verdict, f *Facts) {
	f.volumes(v, func(h *Host, r resource) {
		p, line, _ := r.get("net", "verify-alg")
		v.Is(p != "", r.at(h, line), "crc32c", "%.64s has no verify-alg", r.name)
	})
}

func drbdAuth(v *verdict, f *Facts) {
	f.volumes(v, func(h *Host, r resource) {
		alg, line, _ := r.get("net", "cram-hmac-alg")
		_, _, secret := r.get("net", "shared-secret")
		v.Is(alg != "" && secret, r.at(h, line), "cram-hmac-alg and shared-secret", "%.64s takes any peer", r.name)
	})
}

func drbdModule(v *verdict, f *Facts) {
	for _, h := range f.replicated() {
		if m, ok := need(v, h.Name, h.Modules, "drbd-module.txt"); ok {
			switch loaded, disk := m["loaded"], m["file"]; {
			case loaded == "" || disk == "":
				v.Unknown(h.Name, "drbd-module.txt does not name both versions")
			default:
				v.Is(loaded == disk, at(h, h.Modules, 0), loaded, "version %.40s is loaded, %.40s is on the disk", loaded, disk)
			}
		}
	}
}

// verifiedWithin is how old the last comparison of both sides may be.
const verifiedWithin = 30 * 24 * time.Hour

// drbdVerified looks for the last comparison that either side's journal tells of.
func drbdVerified(v *verdict, f *Facts) {
	said, old := map[string]bool{}, true // by minor: compared in time
	var where place
	for _, h := range f.replicated() {
		told, ok := need(v, h.Name, h.Verified, "drbd-verified.txt")
		if !ok || h.DRBD.State != Given {
			continue
		}
		where = at(h, h.Verified, 0)
		day := func(name string) time.Time {
			n, _ := strconv.ParseInt(told[name], 10, 64)
			return time.Unix(n, 0)
		}
		if day("now").Unix() == 0 {
			v.Unknown(h.Name, "drbd-verified.txt does not tell the host's time")
			continue
		}
		from := day("now").Add(-verifiedWithin)
		old = old && day("since").Before(from)
		for _, r := range h.DRBD.Value.resources {
			said[r.minor()] = said[r.minor()] || day(r.minor()).After(from)
		}
	}
	for _, minor := range slices.Sorted(maps.Keys(said)) {
		if said[minor] || old { // what a young journal does not tell is not known
			v.Is(said[minor], where, "drbdadm verify within 30 days", "no host's journal tells that volume %.10s was compared", minor)
		}
	}
}

// minor is the number of the resource's device, as device /dev/drbd0, or device minor 0, tells.
func (r resource) minor() string {
	word := ""
	for _, s := range drbd.In(r.block, "device") {
		word = s.Words[len(s.Words)-1]
	}
	return strings.TrimPrefix(word, "/dev/drbd")
}

func drbdInSync(v *verdict, f *Facts) {
	for _, h := range f.replicated() {
		text, ok := need(v, h.Name, h.Module, "drbd-proc.txt")
		if !ok || strings.Contains(text, "api:2/") { // of 9: it tells no state
			continue
		}
		all := drbd.ParseAll(text)
		if len(all) == 0 {
			v.Bad(at(h, h.Module, 0), "UpToDate/UpToDate", "no volume is up")
		}
		behind := drbd.OutOfSync(text)
		for minor, s := range all {
			v.Is(s.Healthy() && (behind[minor] == "0" || behind[minor] == ""), at(h, h.Module, 0), "Connected, UpToDate/UpToDate, oos:0", "volume %s is %.120s, %.20s KiB differ", minor, s, first(behind[minor], "0"))
		}
	}
}
