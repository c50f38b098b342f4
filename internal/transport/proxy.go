package transport

import (
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"haprov/internal/shell"
)

// dialProxy runs the ProxyCommand, whose stdin and stdout are the connection.
func dialProxy(t Target) (net.Conn, error) {
	line := strings.NewReplacer("%%", "%", "%h", shell.Quote(t.Address), "%p", strconv.Itoa(t.Port), "%r", shell.Quote(t.User)).Replace(t.Proxy)
	cmd := exec.Command("/bin/sh", "-c", "exec "+line)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &pipeConn{out, in, cmd}, nil
}

// pipeConn is a process as a connection. A deadline in the past ends it; others are not kept.
type pipeConn struct {
	io.Reader
	io.WriteCloser
	cmd *exec.Cmd
}

func (p *pipeConn) Close() error {
	p.WriteCloser.Close()
	p.cmd.Process.Kill()
	return p.cmd.Wait()
}

func (p *pipeConn) SetDeadline(t time.Time) error {
	if !t.IsZero() && t.Before(time.Now()) {
		return p.cmd.Process.Kill()
	}
	return nil
}
func (p *pipeConn) SetReadDeadline(t time.Time) error  { return p.SetDeadline(t) }
func (p *pipeConn) SetWriteDeadline(t time.Time) error { return p.SetDeadline(t) }
func (p *pipeConn) LocalAddr() net.Addr                { return pipeAddr{} }
func (p *pipeConn) RemoteAddr() net.Addr               { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "127.0.0.1:0" } // known_hosts wants an address it can parse
