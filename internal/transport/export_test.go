package transport

import "net"

// Quick wraps a connection as a session does.
func Quick(c net.Conn) net.Conn { return newWire(c) }
