package sshtest

import (
	"io"
	"net"

	"golang.org/x/crypto/ssh"
)

// Hooks let a test make a server hostile at any point of a session. Each may be nil; what blocks in
// one must end when the connection does.
type Hooks struct {
	Raw   func(net.Conn)                                            // instead of SSH
	Wrap  func(net.Conn) net.Conn                                   // under SSH
	Login func(*ssh.ServerConfig)                                   // changes how a login is taken
	After func(ssh.Conn)                                            // beside all that follows a login
	Open  func(ssh.NewChannel) bool                                 // true: it dealt with the channel
	Exec  func(ch ssh.Channel, r *ssh.Request, command string) bool // true: it dealt with the request
	Out   func(io.Writer) io.Writer                                 // between a command's stdout and the channel
	SFTP  func(ssh.Channel)                                         // instead of an SFTP server
}
