package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// whyNot is the likely reason for a connection that failed, and what to do next.
func whyNot(err error, addr string) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return "the name is not known here: give the host an address"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the machine answers but nothing listens there: is sshd running, is the port right?"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route: is the machine on, is its network up?"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return fmt.Sprintf("no answer from %s: is the machine on, does a firewall drop the packets?", addr)
	default:
		return "no connection to " + addr
	}
}
