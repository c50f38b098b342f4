package lab

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrNoLab: there is no lab of that name. The caller may make one with Up.
var ErrNoLab = errors.New("no such lab")

// ErrHalted: the lab exists, but nothing of it runs. The caller may start it with Up.
var ErrHalted = errors.New("the lab is not running")

// Client speaks with one lab. It holds no connection: every call makes its own, so a Client may
// be kept over a halt and used from anywhere at once.
type Client struct {
	place   place
	spec    Spec
	control string
	http    *http.Client
}

// Open finds an existing lab, running or not. The error is ErrNoLab when there is none.
func Open(name string) (*Client, error) {
	dir, err := Dir(name)
	if err != nil {
		return nil, err
	}
	return open(dir)
}

func open(dir string) (*Client, error) {
	c := &Client{place: place{dir}}
	if err := readJSON(c.place.spec(), &c.spec); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoLab, filepath.Base(dir))
	} else if err != nil {
		return nil, fmt.Errorf("lab %s is damaged (to discard it, remove %s): %w", filepath.Base(dir), dir, err)
	}
	run, err := runDir(dir)
	if err != nil {
		return nil, err
	}
	c.control = filepath.Join(run, "control")
	c.http = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", c.control)
		},
	}}
	return c, nil
}

// Driver is what the lab's machines run on, or did when they last ran; "" before they first did.
func (c *Client) Driver() string {
	var now choice
	if err := readJSON(c.place.choice(), &now); err != nil {
		return "" // what is wrong with it, Up says
	}
	return now.Driver
}

// Spec is what the lab was made from.
func (c *Client) Spec() Spec { return c.spec }

// call gives an order; into may be nil.
func (c *Client) call(ctx context.Context, path string, o order, into any) error {
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, "POST", "http://lab"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return c.unanswered(ctx, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
		return fmt.Errorf("lab %s: %s", c.spec.Name, strings.TrimSpace(string(text)))
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

func (c *Client) unanswered(ctx context.Context, err error) error {
	var op *net.OpError
	if ctx.Err() == nil && errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("lab %s: %w", c.spec.Name, ErrHalted)
	}
	return fmt.Errorf("lab %s: %w", c.spec.Name, err)
}

// Status tells how the lab is; of one that does not run, that all is off.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var now Status
	err := c.call(ctx, "/status", order{}, &now)
	if !errors.Is(err, ErrHalted) {
		return now, err
	}
	now.Name = c.spec.Name
	for _, h := range c.spec.Hosts {
		m := Machine{Host: h.Name, State: Off, Addresses: h.addresses()}
		if _, err := os.Stat(c.place.heldOff(h.Name)); err == nil {
			m.State = OffByUser
		}
		now.Machines = append(now.Machines, m)
	}
	return now, nil
}

// PowerOff pulls the plug of a host and returns when it is off. It stays off, fenced or not,
// until PowerOn. Repeating it does nothing.
func (c *Client) PowerOff(ctx context.Context, host string) error {
	return c.call(ctx, "/power-off", order{Host: host}, nil)
}

// PowerOffAll pulls the plugs of several hosts at once.
func (c *Client) PowerOffAll(ctx context.Context, hosts []string) error {
	return c.call(ctx, "/power-off-all", order{Hosts: hosts}, nil)
}

// PowerCycle pulls a host's plug and puts it in again at once: a blip.
func (c *Client) PowerCycle(ctx context.Context, host string) error {
	return c.call(ctx, "/power-cycle", order{Host: host}, nil)
}

// PowerOn starts a host and returns when its processes run; see WaitSSH.
func (c *Client) PowerOn(ctx context.Context, host string) error {
	return c.call(ctx, "/power-on", order{Host: host}, nil)
}

// Pause freezes a host as a whole, its clock included; Resume lets it go on.
func (c *Client) Pause(ctx context.Context, host string) error {
	return c.call(ctx, "/pause", order{Host: host}, nil)
}

// Resume ends Pause.
func (c *Client) Resume(ctx context.Context, host string) error {
	return c.call(ctx, "/resume", order{Host: host}, nil)
}

// Cut drops all frames between two hosts, on one network or (network "") on all, in both
// directions or only those from the first to the second. Their way to the gateway, and so to SSH
// and the fence device, stays whole unless to is "gateway".
func (c *Client) Cut(ctx context.Context, from, to, network string, oneWay bool) error {
	return c.call(ctx, "/fault", order{From: from, To: to, Network: network, OneWay: oneWay}, nil)
}

// Delay holds frames up, each way as Cut does.
func (c *Client) Delay(ctx context.Context, from, to, network string, oneWay bool, by time.Duration) error {
	if by <= 0 {
		return errors.New("a delay is above 0")
	}
	return c.call(ctx, "/fault", order{From: from, To: to, Network: network, OneWay: oneWay, Delay: by}, nil)
}

// Loss drops a share of the frames by chance, above 0 and up to 1, each way as Cut does.
func (c *Client) Loss(ctx context.Context, from, to, network string, oneWay bool, share float64) error {
	if share <= 0 {
		return errors.New("a loss is above 0")
	}
	return c.call(ctx, "/fault", order{From: from, To: to, Network: network, OneWay: oneWay, Loss: share}, nil)
}

// Heal mends all cuts, delays and losses. Power and pause are not its business.
func (c *Client) Heal(ctx context.Context) error { return c.call(ctx, "/heal", order{}, nil) }

// RefuseFencing makes the fence device of a host refuse all power actions, until obey. It says so
// to who asks: a device that cannot be relied on, not one that lies.
func (c *Client) RefuseFencing(ctx context.Context, host string, on bool) error {
	path := "/fence-refuse"
	if !on {
		path = "/fence-obey"
	}
	return c.call(ctx, path, order{Host: host}, nil)
}

// Halt takes all machines down and returns when the supervisor has ended. Halting a halted lab
// does nothing.
func (c *Client) Halt(ctx context.Context) error {
	if err := c.call(ctx, "/halt", order{}, nil); err != nil && !errors.Is(err, ErrHalted) {
		return err
	}
	lock, err := waitLock(ctx, c.place.lock())
	if err != nil {
		return fmt.Errorf("lab %s: end of the supervisor: %w", c.spec.Name, err)
	}
	return lock.Close()
}

// Destroy halts the lab and removes all it had: disks, keys, diary. There is no way back.
func (c *Client) Destroy(ctx context.Context) error {
	if err := c.Halt(ctx); err != nil {
		return err
	}
	return os.RemoveAll(c.place.dir)
}

// Console is the path of a host's console log. It grows over all boots.
func (c *Client) Console(host string) (string, error) {
	if _, known := c.spec.host(host); !known {
		return "", fmt.Errorf("no machine %q in lab %s", host, c.spec.Name)
	}
	return c.place.console(host), nil
}

// Logs is the lab's diary: starts, power, faults, fencing, in order.
func (c *Client) Logs() ([]Event, error) { return readEvents(c.place.events()) }

// Dial connects through the lab's network to an address of it, a virtual IP included.
// network is "tcp"; address is IP:PORT.
func (c *Client) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" && network != "tcp4" {
		return nil, fmt.Errorf("lab %s: dial %s: only tcp", c.spec.Name, network)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", c.control)
	if err != nil {
		return nil, c.unanswered(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	read := bufio.NewReader(conn)
	err = knock(conn, read, address)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		conn.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("lab %s: dial %s: %w", c.spec.Name, address, err)
	}
	return dialled{conn.(*net.UnixConn), read}, nil
}

func knock(conn net.Conn, read *bufio.Reader, address string) error {
	_, err := fmt.Fprintf(conn, "POST /dial?to=%s HTTP/1.1\r\nHost: lab\r\nContent-Length: 0\r\n\r\n", url.QueryEscape(address))
	if err != nil {
		return err
	}
	answer, err := http.ReadResponse(read, nil)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		defer answer.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
		return errors.New(strings.TrimSpace(string(text)))
	}
	return nil
}

// dialled is the connection behind the answer; some of its bytes may be buffered already.
type dialled struct {
	*net.UnixConn
	read *bufio.Reader
}

func (d dialled) Read(p []byte) (int, error) { return d.read.Read(p) }

// WriteTo hides UnixConn's, which would pass the buffer by.
func (d dialled) WriteTo(w io.Writer) (int64, error) { return d.read.WriteTo(w) }

// DialStdio joins in and out with a connection through the lab name: the body of ssh's
// ProxyCommand. It returns when the far end has closed, or ssh has gone: once there is a connection,
// ssh is the one to say what became of it, so its end is no error.
func DialStdio(ctx context.Context, name, address string, in io.Reader, out io.Writer) error {
	c, err := Open(name)
	if err != nil {
		return err
	}
	conn, err := c.Dial(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	go func() {
		if _, err := io.Copy(conn, in); err == nil {
			conn.(dialled).CloseWrite()
		}
	}()
	_, _ = io.Copy(out, conn)
	return nil
}

// WaitSSH waits until a host's SSH server greets. It tries again at once when a try fails for a
// reason, and at most once in 200 ms; ctx is the deadline.
func (c *Client) WaitSSH(ctx context.Context, host string) error {
	h, known := c.spec.host(host)
	if !known {
		return fmt.Errorf("no machine %q in lab %s", host, c.spec.Name)
	}
	pace := time.NewTicker(200 * time.Millisecond)
	defer pace.Stop()
	for {
		err := c.greeted(ctx, net.JoinHostPort(h.address(), "22"))
		if err == nil || errors.Is(err, ErrHalted) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: no SSH server is ready: %w", host, err)
		case <-pace.C:
		}
	}
}

func (c *Client) greeted(ctx context.Context, address string) error {
	try, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := c.Dial(try, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	hello := make([]byte, 4)
	if _, err := io.ReadFull(conn, hello); err != nil {
		return err
	}
	if string(hello) != "SSH-" {
		return fmt.Errorf("%s answered %q", address, hello)
	}
	return nil
}

// KnownHosts is the path of a known_hosts file with the keys the controller made: by name and
// by every address.
func (c *Client) KnownHosts() string { return c.place.knownHosts() }

// Key is the path of the private key that root of every machine accepts.
func (c *Client) Key() string { return c.place.userKey() }

// WriteSSHConfig keeps SSHConfig in the lab's folder, and gives the file's path. Several commands may
// do so at once, while others read it.
func (c *Client) WriteSSHConfig(exe string) (string, error) {
	path := filepath.Join(c.place.dir, "ssh_config")
	return path, writeFile(path, []byte(c.SSHConfig(exe)))
}

// SSHConfig is text for ssh -F: a Host block a machine, by way of exe's "lab dial". A machine that was
// fenced says no goodbye: ssh asks every 4 s and ends after three that were not answered.
func (c *Client) SSHConfig(exe string) string {
	var b strings.Builder
	for _, h := range c.spec.Hosts {
		fmt.Fprintf(&b, "Host %s\n  HostName %s\n  User root\n  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n  StrictHostKeyChecking yes\n  ConnectTimeout 15\n  ServerAliveInterval 4\n  ServerAliveCountMax 3\n  ProxyCommand %s lab dial %s %%h %%p\n\n",
			h.Name, h.address(), sshQuote(c.Key()), sshQuote(c.KnownHosts()), shellQuote(exe), c.spec.Name)
	}
	return b.String()
}

func sshQuote(path string) string { return `"` + strings.ReplaceAll(path, "%", "%%") + `"` }

func shellQuote(path string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(path, "'", `'\''`), "%", "%%") + "'"
}
