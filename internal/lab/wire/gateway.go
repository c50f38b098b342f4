package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/containers/gvisor-tap-vsock/pkg/services/dns"
	"github.com/containers/gvisor-tap-vsock/pkg/services/forwarder"
	"github.com/containers/gvisor-tap-vsock/pkg/tap"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const nic = 1

// gateway is an IP stack on a port of the fabric.
type gateway struct {
	cfg    Config
	fabric *fabric
	port   *port
	stack  *stack.Stack
	link   *tap.LinkEndpoint
	done   chan struct{}

	mu     sync.Mutex
	owners map[netip.Addr]mac // as announced by ARP
}

func newGateway(cfg Config, f *fabric) (*gateway, error) {
	if !cfg.Prefix.Addr().Is4() || !cfg.Prefix.Contains(cfg.Gateway) {
		return nil, fmt.Errorf("network %s: gateway %s is not an IPv4 address of %s", cfg.Name, cfg.Gateway, cfg.Prefix)
	}
	if cfg.MAC == nil {
		cfg.MAC = GatewayMAC
	}
	link, err := tap.NewLinkEndpoint(false, 1500, cfg.MAC.String(), cfg.Gateway.String(), nil)
	if err != nil {
		return nil, err
	}
	g := &gateway{
		cfg: cfg, fabric: f, link: link, owners: map[netip.Addr]mac{},
		port: f.plug(Gateway, true), done: make(chan struct{}),
		stack: stack.New(stack.Options{
			NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, arp.NewProtocol},
			TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol4},
		}),
	}
	f.pin(mac(cfg.MAC), g.port)
	link.Connect(g)
	if err := g.address(); err != nil {
		return nil, fmt.Errorf("network %s: gateway: %w", cfg.Name, err)
	}
	if cfg.NAT {
		if err := g.translate(); err != nil {
			return nil, fmt.Errorf("network %s: gateway: %w", cfg.Name, err)
		}
	}
	go g.run()
	return g, nil
}

func (g *gateway) address() error {
	if err := g.stack.CreateNIC(nic, g.link); err != nil {
		return errors.New(err.String())
	}
	address := tcpip.AddrFrom4(g.cfg.Gateway.As4())
	if err := g.stack.AddProtocolAddress(nic, tcpip.ProtocolAddress{
		Protocol: ipv4.ProtocolNumber, AddressWithPrefix: address.WithPrefix(),
	}, stack.AddressProperties{}); err != nil {
		return errors.New(err.String())
	}
	base := g.cfg.Prefix.Masked()
	subnet := tcpip.AddressWithPrefix{Address: tcpip.AddrFrom4(base.Addr().As4()), PrefixLen: base.Bits()}.Subnet()
	g.stack.SetRouteTable([]tcpip.Route{{Destination: subnet, NIC: nic}})
	return nil
}

// translate lets connections out to the world, and serves names. What would end on this
// machine or in the lab's own subnet is refused.
func (g *gateway) translate() error {
	g.stack.SetSpoofing(nic, true)
	g.stack.SetPromiscuousMode(nic, true)
	var lock sync.Mutex
	none := map[tcpip.Address]tcpip.Address{}
	outTCP := forwarder.TCP(g.stack, none, &lock, false)
	outUDP := forwarder.UDP(g.stack, none, &lock, false)
	g.stack.SetTransportProtocolHandler(tcp.ProtocolNumber, func(id stack.TransportEndpointID, pkt *stack.PacketBuffer) bool {
		return g.outside(id.LocalAddress) && outTCP.HandlePacket(id, pkt)
	})
	g.stack.SetTransportProtocolHandler(udp.ProtocolNumber, func(id stack.TransportEndpointID, pkt *stack.PacketBuffer) bool {
		return g.outside(id.LocalAddress) && outUDP.HandlePacket(id, pkt)
	})
	at := tcpip.FullAddress{NIC: nic, Addr: tcpip.AddrFrom4(g.cfg.Gateway.As4()), Port: 53}
	packets, err := gonet.DialUDP(g.stack, &at, nil, ipv4.ProtocolNumber)
	if err != nil {
		return err
	}
	streams, err := gonet.ListenTCP(g.stack, at, ipv4.ProtocolNumber)
	if err != nil {
		return err
	}
	server, err := dns.New(packets, streams, nil)
	if err != nil {
		return err
	}
	go server.Serve()
	go server.ServeTCP()
	return nil
}

func (g *gateway) outside(address tcpip.Address) bool {
	ip, ok := netip.AddrFromSlice(address.AsSlice())
	return ok && ip.IsGlobalUnicast() && !g.cfg.Prefix.Contains(ip)
}

// DeliverNetworkPacket takes what the stack sends; it is tap.NetworkSwitch.
func (g *gateway) DeliverNetworkPacket(_ tcpip.NetworkProtocolNumber, pkt *stack.PacketBuffer) {
	view := pkt.ToView()
	defer view.Release()
	g.fabric.forward(g.port, append([]byte(nil), view.AsSlice()...))
}

// run hands queued frames to the stack.
func (g *gateway) run() {
	defer close(g.done)
	for {
		select {
		case frame := <-g.port.out:
			g.heed(frame)
			kind := header.Ethernet(frame).Type()
			data := buffer.MakeWithData(frame[header.EthernetMinimumSize:])
			pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: data})
			g.link.DeliverNetworkPacket(kind, pkt)
			pkt.DecRef()
		case <-g.port.closed:
			return
		}
	}
}

// heed reads ARP in passing. gVisor believes no gratuitous ARP (its ARP never overrides an
// entry), and an entry lives for 15 to 45 s: a virtual IP that moved would be dialled at its old
// owner until then. So an address that is announced from elsewhere is forgotten, and asked anew.
func (g *gateway) heed(frame []byte) {
	if len(frame) < 14+28 || frame[12] != 0x08 || frame[13] != 0x06 {
		return
	}
	body := frame[14:]
	sender, owner := netip.AddrFrom4([4]byte(body[14:18])), mac(body[8:14])
	if sender.IsUnspecified() {
		return
	}
	g.mu.Lock()
	before, known := g.owners[sender]
	g.owners[sender] = owner
	g.mu.Unlock()
	if known && before != owner {
		g.forgetAddress(sender)
	}
}

func (g *gateway) forgetAddress(ip netip.Addr) {
	g.stack.RemoveNeighbor(nic, ipv4.ProtocolNumber, tcpip.AddrFrom4(ip.As4()))
}

// forget drops all that was known about hardware addresses that went away.
func (g *gateway) forget(gone []mac) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, address := range gone {
		for ip, owner := range g.owners {
			if owner == address {
				delete(g.owners, ip)
				g.forgetAddress(ip)
			}
		}
	}
}

func (g *gateway) close() {
	g.fabric.unplug(g.port)
	<-g.done
	g.stack.Close()
}

// A connection whose far end lost power waits for its answer for ever: nothing is sent, so nothing
// is missed. So a silent far end is asked whether it lives (RFC 9293, 3.8.4). The new owner of an
// address that has moved refuses at once; a far end that says nothing is given up after askAgain
// times askedFor, longer than drills pause a machine.
const (
	askAgain = 5 * time.Second
	askedFor = 24
)

// Dial connects from the gateway to an address on the network: SSH, a database, a virtual IP
// that has just moved. It gives up when ctx ends. The connection ends by itself when its far end
// has gone: some seconds after another machine took the address, else after two minutes.
func (n *Network) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if !to.Addr().Is4() || !n.cfg.Prefix.Contains(to.Addr()) {
		return nil, fmt.Errorf("%s is not on network %s (%s)", to.Addr(), n.cfg.Name, n.cfg.Prefix)
	}
	var queue waiter.Queue
	end, bad := n.gateway.stack.NewEndpoint(tcp.ProtocolNumber, ipv4.ProtocolNumber, &queue)
	if bad != nil {
		return nil, errors.New(bad.String())
	}
	connected, ready := waiter.NewChannelEntry(waiter.WritableEvents)
	queue.EventRegister(&connected)
	defer queue.EventUnregister(&connected)
	bad = keepAlive(end)
	if bad == nil {
		bad = end.Connect(tcpip.FullAddress{NIC: nic, Addr: tcpip.AddrFrom4(to.Addr().As4()), Port: to.Port()})
	}
	if _, begun := bad.(*tcpip.ErrConnectStarted); begun {
		select {
		case <-ctx.Done():
			end.Close()
			return nil, ctx.Err()
		case <-ready:
			bad = end.LastError()
		}
	}
	if bad != nil {
		end.Close()
		return nil, &net.OpError{Op: "connect", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: errors.New(bad.String())}
	}
	return gonet.NewTCPConn(&queue, end), nil
}

func keepAlive(end tcpip.Endpoint) tcpip.Error {
	idle, interval := tcpip.KeepaliveIdleOption(askAgain), tcpip.KeepaliveIntervalOption(askAgain)
	unsent := tcpip.TCPUserTimeoutOption(askAgain * askedFor) // the same bound for what was sent and not acknowledged
	for _, option := range []tcpip.SettableSocketOption{&idle, &interval, &unsent} {
		if err := end.SetSockOpt(option); err != nil {
			return err
		}
	}
	if err := end.SetSockOptInt(tcpip.KeepaliveCountOption, askedFor); err != nil {
		return err
	}
	end.SocketOptions().SetKeepAlive(true)
	return nil
}

// Listen takes connections of the machines to the gateway's address. Nobody else can reach it.
func (n *Network) Listen(port uint16) (net.Listener, error) {
	return gonet.ListenTCP(n.gateway.stack,
		tcpip.FullAddress{NIC: nic, Addr: tcpip.AddrFrom4(n.cfg.Gateway.As4()), Port: port}, ipv4.ProtocolNumber)
}
