package transport

import (
	"context"
	"net"
	"time"

	"haprov/internal/secret"
)

// Target says how to reach one host and who to be there.
type Target struct {
	Name    string // the host's name in the inventory; the alias looked up in Config
	Address string // name or IP address; empty: from Config, else Name
	Port    int    // 0: from Config, else 22
	User    string // empty: from Config, else the local user

	KeyFiles   []string                               // private keys, with FILE-cert.pub beside them when there is one; empty: from Config, else the user's usual ones
	UseAgent   bool                                   // also offer the keys of the agent at SSH_AUTH_SOCK
	Passphrase func(file string) (secret.Text, error) // asked when the host accepts an encrypted key; may be called from several goroutines; nil: such keys are skipped

	KnownHosts   []string // files in addition to the user's and the system's; those missing are skipped
	OnlyKnown    bool     // use only KnownHosts: for machines whose keys were pinned when they were made
	HostKeyAlias string   // look the host key up under this name

	Become       bool                        // run the loop as root through sudo
	SudoPassword func() (secret.Text, error) // asked only when sudo wants one; nil: sudo -n

	Dial   func(ctx context.Context, network, addr string) (net.Conn, error) // nil: TCP
	Jump   *Target                                                           // log in there first and go on from it
	Jumps  string                                                            // the same as text, [USER@]HOST[:PORT],...: as ssh -J, with what Config says of them, else KeyFiles
	Proxy  string                                                            // ProxyCommand of ssh_config, run by /bin/sh; %h %p %r are replaced
	Config *SSHConfig                                                        // fills what is empty above; nil: nothing is read

	MaxAnswer int           // bytes of one answer, 0 is DefaultMaxAnswer
	Timeout   time.Duration // for connecting and for login, each; 0 is DefaultTimeout
	KeepAlive time.Duration // how often a silent host is asked whether it lives; it is lost after three of them; 0 is DefaultKeepAlive
}

// Defaults of a Target. A dead link is found within three times DefaultKeepAlive.
const (
	DefaultMaxAnswer = 32 << 20
	DefaultTimeout   = 15 * time.Second
	DefaultKeepAlive = 4 * time.Second
)

// Bounds of what a host may send and take; all of it counts, asked for or not.
const (
	maxLogin = 1 << 20          // bytes until the login is done; an honest one sends a few thousand
	maxNoise = 1 << 20          // bytes that the login shell may print before it runs the script
	idle     = 4 << 20          // bytes between two exchanges, keepalives and late output among them
	longest  = 10 * time.Minute // an exchange whose context has no deadline
	maxSaid  = 4 << 10          // bytes of an error's text
)

// budget is how many bytes on the wire one answer may cost: SSH's own share of short writes is large.
func (t Target) budget() int64 { return 2*int64(t.MaxAnswer) + idle }

// PutGlob matches the directories that Put makes; one is left behind only by a lost connection.
const PutGlob = "/var/tmp/haprov-put.*"
