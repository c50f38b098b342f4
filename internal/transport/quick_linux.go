package transport

import (
	"net"

	"golang.org/x/sys/unix"
)

// quick acknowledges at once what the peer sent: sshd has Nagle on until the session starts, so two
// small writes of its own wait for our acknowledgement, 40 ms when the kernel delays it. The kernel
// forgets the setting, so it is made anew around each read.
func quick(c net.Conn) func() {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return func() {}
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return func() {}
	}
	return func() {
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
		})
	}
}
