package plan

import "time"

// Verbs of intents.
const (
	Recover     = "recover"     // bring a cluster without a primary component back
	Restart     = "restart"     // restart the servers one by one
	Maintenance = "maintenance" // take Host out of service (On), or back in
	Switchover  = "switchover"  // move the active side to Host, or away from where it is
	// ProveFencing fires the hosts' fence devices, one after the other, the active side moved away from
	// its host before; with Anew those that are proved, too.
	ProveFencing = "prove-fencing"
	Backup       = "backup"  // do What with the cluster's backups: now, logs, verify, prune, prove
	Compare      = "compare" // compare all copies of the replicated volumes, block by block
	// Restore makes a server with the data as it was At, beside the one that runs; with What, end, it
	// ends that server.
	Restore = "restore"
	// Upgrade brings packages to newer versions of the same series, one host after the other, each out of
	// service meanwhile: those in Packages, with All every one of a host.
	Upgrade = "upgrade"
)

// Verbs lists them all.
var Verbs = []string{Switchover, Maintenance, Restart, Recover, ProveFencing, Backup, Restore, Compare, Upgrade}

// Intent is what a user asks of a running cluster beyond its inventory. It is data: a cluster step
// that knows the verb decides phase after phase for it, from evidence, as it does without.
type Intent struct {
	Verb string
	Host string // maintenance: who; switchover: where to, empty lets the step choose
	On   bool   // maintenance
	Anew bool   // prove-fencing
	What string // backup, restore
	// At is the time to restore to, in the zone that it was given in; the zero one is the latest there is.
	At     time.Time
	Folder string // restore, recover: where, when not in the usual place
	All    bool   // upgrade
	Reboot bool   // upgrade: hosts whose kernel, or another package, wants it are rebooted
	// Packages are those of the recipe, by host.
	Packages map[string][]string
	// Discard names the host whose changes a split brain may cost.
	Discard string
	// AcceptMissing names hosts that recover may do without, though they may hold newer rows.
	AcceptMissing []string
}
