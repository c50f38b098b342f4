// Package wire is one Ethernet of a lab: a switch in user space, a gateway on it, and faults.
//
// Machines attach by unix sockets (User-Mode Linux and QEMU both can), so neither root nor a tap
// is needed, and every frame passes through this process. The switch learns, floods broadcast,
// multicast and unknown unicast, and never waits for a machine: each port has a bounded queue
// that drops when it is full, as a real port does. The gateway is an IP stack of gVisor on a port
// of its own: the way in for SSH (Dial), the place of the fence device (Listen), and, when
// asked, the way out to the world.
//
// It knows ports by the name of their machine. It must not know inventories, power or clusters.
package wire

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// Gateway is the name of the gateway's port, for faults.
const Gateway = "gateway"

// queue is how many frames wait for one port: 1.5 MiB of full frames, about what a switch of
// the cheap sort has.
const queue = 1024

// A MAC as a key.
type mac [6]byte

var broadcast = mac{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// fabric is the layer 2 part: ports, what was learned, and the faults between machines.
type fabric struct {
	faults faults

	mu    sync.RWMutex
	ports map[*port]bool
	table map[mac]*port
}

// port is one attachment. Frames to it go through out; whoever owns the port drains it.
type port struct {
	machine string
	gateway bool // takes only frames to itself and to all
	out     chan []byte
	closed  chan struct{}
	once    sync.Once
}

func newFabric() *fabric {
	return &fabric{ports: map[*port]bool{}, table: map[mac]*port{}}
}

func (f *fabric) plug(machine string, gateway bool) *port {
	p := &port{machine: machine, gateway: gateway, out: make(chan []byte, queue), closed: make(chan struct{})}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ports[p] = true
	return p
}

// unplug forgets the port and the addresses learned there, which it returns.
func (f *fabric) unplug(p *port) []mac {
	p.once.Do(func() { close(p.closed) })
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.ports, p)
	var gone []mac
	for address, at := range f.table {
		if at == p {
			delete(f.table, address)
			gone = append(gone, address)
		}
	}
	return gone
}

// pin says where an address lives before it has sent a frame.
func (f *fabric) pin(address mac, p *port) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.table[address] = p
}

// forward takes a frame that came in at a port. The frame is kept and must not be written to again.
func (f *fabric) forward(from *port, frame []byte) {
	if len(frame) < 14 {
		return
	}
	dst, src := mac(frame[0:6]), mac(frame[6:12])

	f.mu.RLock()
	at, known := f.table[src]
	to := f.table[dst]
	f.mu.RUnlock()

	if src[0]&1 == 0 && (!known || at != from) {
		f.learn(src, from)
	}
	if dst[0]&1 == 0 && to != nil {
		if to != from {
			f.deliver(from, to, frame)
		}
		return
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	for p := range f.ports {
		if p == from || p.gateway && dst != broadcast {
			continue
		}
		f.deliver(from, p, frame)
	}
}

// learn notes where a source address lives. The gateway's own address cannot be taken over.
func (f *fabric) learn(src mac, from *port) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at := f.table[src]; at != nil && at.gateway {
		return
	}
	if f.ports[from] {
		f.table[src] = from
	}
}

// deliver applies the faults of the way and puts the frame in the port's queue, or drops it.
func (f *fabric) deliver(from, to *port, frame []byte) {
	delay, drop := f.faults.judge(from.machine, to.machine)
	switch {
	case drop:
	case delay > 0:
		f.faults.later(from, to, frame, time.Now().Add(delay))
	default:
		to.put(frame)
	}
}

// put never waits: a frozen machine costs its own frames, nobody else's.
func (p *port) put(frame []byte) {
	select {
	case p.out <- frame:
	default:
	}
}

// Config describes one network.
type Config struct {
	Name    string
	Prefix  netip.Prefix // 192.168.56.0/24
	Gateway netip.Addr   // an address of it, not one of a machine
	// NAT lets machines reach the world through the gateway, and serves names there (port 53).
	// Without it nothing leaves the lab. This machine's loopback is never reachable.
	NAT bool
	// MAC is the gateway's hardware address; GatewayMAC when nil.
	MAC net.HardwareAddr
}

// GatewayMAC is the gateway's hardware address on every network that does not say otherwise.
var GatewayMAC = net.HardwareAddr{0x52, 0x54, 0x00, 0x00, 0x00, 0x01}
