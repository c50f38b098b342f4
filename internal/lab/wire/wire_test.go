package wire

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
)

func network(t *testing.T) *Network {
	t.Helper()
	n, err := New(Config{Name: "cluster", Prefix: netip.MustParsePrefix("192.168.56.0/24"), Gateway: netip.MustParseAddr("192.168.56.1")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// wired attaches a machine through its socket, as User-Mode Linux does.
func wired(t *testing.T, n *Network, machine string) net.Conn {
	t.Helper()
	dir, err := os.MkdirTemp("", "wire")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	if err := n.Serve(machine, socket, false); err != nil {
		t.Fatal(err)
	}
	before := len(n.attached())
	conn, err := net.Dial("unixpacket", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	until(t, func() bool { return len(n.attached()) > before })
	return conn
}

func (n *Network) attached() []*port {
	n.fabric.mu.RLock()
	defer n.fabric.mu.RUnlock()
	return slices.Collect(maps.Keys(n.fabric.ports))
}

// inject puts a fault on a way in place of the one that was there.
func (n *Network) inject(way Way, fault Fault) { n.Alter(way, func(f *Fault) { *f = fault }) }

func until(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited 5 s in vain")
		}
	}
}

var (
	macA = mac{2, 0, 0, 0, 0, 0xa}
	macB = mac{2, 0, 0, 0, 0, 0xb}
)

func frame(dst, src mac, text string) []byte {
	f := append(append(append([]byte{}, dst[:]...), src[:]...), 0x88, 0xb5)
	return append(f, text...)
}

func send(t *testing.T, c net.Conn, f []byte) {
	t.Helper()
	if _, err := c.Write(f); err != nil {
		t.Fatal(err)
	}
}

// hears reads the next frame's text, or "" when none comes soon.
func hears(t *testing.T, c net.Conn, within time.Duration) string {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(within))
	space := make([]byte, 2048)
	got, err := c.Read(space)
	if err != nil {
		return ""
	}
	return string(space[14:got])
}

func TestFramesReachTheirMachineAndBroadcastAndMulticastAll(t *testing.T) {
	n := network(t)
	a, b, c := wired(t, n, "a"), wired(t, n, "b"), wired(t, n, "c")
	for _, dst := range []mac{broadcast, {0x01, 0, 0x5e, 0, 0, 18}} {
		send(t, b, frame(dst, macB, "all"))
		if x, y := hears(t, a, time.Second), hears(t, c, time.Second); x != "all" || y != "all" {
			t.Fatalf("a heard %q, c heard %q", x, y)
		}
	}
	send(t, a, frame(macB, macA, "b only"))
	if got := hears(t, b, time.Second); got != "b only" {
		t.Fatalf("b heard %q", got)
	}
	if got := hears(t, c, 50*time.Millisecond); got != "" {
		t.Fatalf("c overheard %q", got)
	}
}

func TestACutHoldsForBroadcastTooAndOneWayIsOneWay(t *testing.T) {
	n := network(t)
	a, b := wired(t, n, "a"), wired(t, n, "b")
	n.inject(Way{"a", "b"}, Fault{Cut: true})
	send(t, a, frame(broadcast, macA, "lost"))
	send(t, a, frame(macB, macA, "lost"))
	if got := hears(t, b, 50*time.Millisecond); got != "" {
		t.Fatalf("b heard %q through the cut", got)
	}
	send(t, b, frame(macA, macB, "back"))
	if got := hears(t, a, time.Second); got != "back" {
		t.Fatalf("a heard %q", got)
	}
	n.Heal()
	send(t, a, frame(macB, macA, "again"))
	if got := hears(t, b, time.Second); got != "again" {
		t.Fatalf("b heard %q after the mending", got)
	}
}

func TestDelayedFramesKeepTheirOrder(t *testing.T) {
	n := network(t)
	a, b := wired(t, n, "a"), wired(t, n, "b")
	n.inject(Way{"a", "b"}, Fault{Delay: 60 * time.Millisecond})
	start := time.Now()
	send(t, a, frame(broadcast, macA, "1"))
	send(t, a, frame(broadcast, macA, "2"))
	first, took, second := hears(t, b, time.Second), time.Since(start), hears(t, b, time.Second)
	if first != "1" || second != "2" || took < 60*time.Millisecond {
		t.Fatalf("heard %q after %v, then %q", first, took, second)
	}
}

func TestAMachineThatDoesNotReadStopsNobody(t *testing.T) {
	n := network(t)
	a, b := wired(t, n, "a"), wired(t, n, "b")
	wired(t, n, "frozen")
	for range 3 * queue {
		send(t, a, frame(broadcast, macA, string(make([]byte, 1400))))
		if hears(t, b, time.Second) == "" {
			t.Fatal("b missed a broadcast")
		}
	}
	dropped := false
	for _, p := range n.attached() {
		dropped = dropped || p.machine == "frozen" && len(p.out) == queue
	}
	if !dropped {
		t.Fatal("the frozen machine's queue never filled")
	}
}

// guest is a machine with an IP stack: the gateway's own code, turned round.
func guest(t *testing.T, n *Network, machine string, hw mac, ip string) *gateway {
	t.Helper()
	own, err := newGateway(Config{Name: machine, Prefix: n.cfg.Prefix, Gateway: netip.MustParseAddr(ip), MAC: hw[:]}, newFabric())
	if err != nil {
		t.Fatal(err)
	}
	conn := wired(t, n, machine)
	p := own.fabric.plug("wire", false)
	go p.drain(conn, false)
	go func() {
		space := make([]byte, largest)
		for {
			got, err := conn.Read(space)
			if err != nil {
				return
			}
			own.fabric.forward(p, append([]byte(nil), space[:got]...))
		}
	}()
	t.Cleanup(func() { conn.Close(); own.fabric.unplug(p); own.close() })
	return own
}

func (g *gateway) says(t *testing.T, ip, text string) {
	t.Helper()
	address := tcpip.AddrFrom4(netip.MustParseAddr(ip).As4())
	if ip != g.cfg.Gateway.String() {
		t.Fatal("says: not the machine's address")
	}
	l, err := gonet.ListenTCP(g.stack, tcpip.FullAddress{NIC: nic, Addr: address, Port: 3306}, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, text)
			c.Close()
		}
	}()
}

func answer(t *testing.T, n *Network, ip string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	c, err := n.Dial(ctx, netip.AddrPortFrom(netip.MustParseAddr(ip), 3306))
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(3 * time.Second))
	text, _ := io.ReadAll(c)
	return string(text)
}

func TestTheGatewayFindsAVirtualIPAtItsNewOwnerAtOnce(t *testing.T) {
	const vip = "192.168.56.100"
	n := network(t)
	guest(t, n, "a", macA, vip).says(t, vip, "a")
	if got := answer(t, n, vip); got != "a" {
		t.Fatalf("before the move: %q", got)
	}
	// b takes the address over while a still runs, and says so once, as IPaddr2 does. a is cut
	// from the gateway's questions: a real loser has dropped the address.
	guest(t, n, "b", macB, vip).says(t, vip, "b")
	n.inject(Way{Gateway, "a"}, Fault{Cut: true})
	c := wired(t, n, "b")
	send(t, c, gratuitous(macB, vip))
	start := time.Now()
	if got := answer(t, n, vip); got != "b" {
		t.Fatalf("after the move: %q", got)
	}
	t.Logf("new owner reached after %v", time.Since(start))
	if took := time.Since(start); took > 2*time.Second {
		t.Fatalf("it took %v", took)
	}
}

// A client that waits for an answer sends nothing, and the machine that should give it is off.
func TestAConnectionEndsWhenAnotherMachineHasTakenItsAddress(t *testing.T) {
	const vip = "192.168.56.100"
	n := network(t)
	a := guest(t, n, "a", macA, vip)
	l, err := gonet.ListenTCP(a.stack, tcpip.FullAddress{NIC: nic, Port: 3306}, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	c, err := n.Dial(ctx, netip.AddrPortFrom(netip.MustParseAddr(vip), 3306))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "insert")
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	// What the client sent is acknowledged with the first byte of the answer: it has nothing to repeat.
	if _, err := io.ReadFull(far, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	io.WriteString(far, "o")
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	n.inject(Way{Gateway, "a"}, Fault{Cut: true})
	n.inject(Way{"a", Gateway}, Fault{Cut: true})
	guest(t, n, "b", macB, vip)
	send(t, wired(t, n, "b"), gratuitous(macB, vip))
	c.SetReadDeadline(time.Now().Add(4 * askAgain))
	var late net.Error
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.As(err, &late) && late.Timeout() {
		t.Fatalf("the connection to the machine that is off: %v", err)
	}
}

func gratuitous(hw mac, ip string) []byte {
	four := netip.MustParseAddr(ip).As4()
	f := append(append(append([]byte{}, broadcast[:]...), hw[:]...), 0x08, 0x06)
	f = append(f, 0, 1, 8, 0, 6, 4, 0, 1)
	f = append(append(f, hw[:]...), four[:]...)
	return append(append(f, make([]byte, 6)...), four[:]...)
}

func TestMachinesReachTheGatewayThoughCutFromEachOther(t *testing.T) {
	n := network(t)
	l, err := n.Listen(7)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := guest(t, n, "a", macA, "192.168.56.11")
	n.inject(Way{"a", "b"}, Fault{Cut: true})
	n.inject(Way{"b", "a"}, Fault{Cut: true})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	c, err := gonet.DialContextTCP(ctx, a.stack, tcpip.FullAddress{NIC: nic, Addr: tcpip.AddrFrom4([4]byte{192, 168, 56, 1}), Port: 7}, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
