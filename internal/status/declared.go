package status

// Declared is what the recipe's steps say of a host that nobody could guess from the host. What is not
// declared is neither asked for nor judged.
type Declared struct {
	Proxies []Proxy
	// Maintenance are files that take the host's server out of service while they are there.
	Maintenance []string
}

// Proxy is a backend of HAProxy whose sessions all go to one server.
type Proxy struct {
	Backend string
	Key     string // the one key of its stick table, as HAProxy prints it
	Socket  string // the runtime socket
}

// Declarer is a step that declares something of its host.
type Declarer interface{ Declare(*Declared) }
