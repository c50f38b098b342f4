package plan

// Verbs of intents.
const (
	Recover     = "recover"     // bring a cluster without a primary component back
	Restart     = "restart"     // restart the servers one by one
	Maintenance = "maintenance" // take Host out of service (On), or back in
	Switchover  = "switchover"  // move the active side to Host, or away from where it is
	// ProveFencing fires the hosts' fence devices, one after the other, the active side moved away from
	// its host before; with Anew those that are proved, too.
	ProveFencing = "prove-fencing"
	Backup       = "backup" // do What with the cluster's backups: now, verify, prune
)

// Verbs lists them all.
var Verbs = []string{Switchover, Maintenance, Restart, Recover, ProveFencing, Backup}

// Intent is what a user asks of a running cluster beyond its inventory. It is data: a cluster step
// that knows the verb decides phase after phase for it, from evidence, as it does without.
type Intent struct {
	Verb string
	Host string // maintenance: who; switchover: where to, empty lets the step choose
	On   bool   // maintenance
	Anew bool   // prove-fencing
	What string // backup
	// AcceptMissing names hosts that recover may do without, though they may hold newer rows.
	AcceptMissing []string
}
