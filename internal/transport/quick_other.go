//go:build !linux

package transport

import "net"

// quick does nothing where TCP_QUICKACK does not exist.
func quick(net.Conn) func() { return func() {} }
