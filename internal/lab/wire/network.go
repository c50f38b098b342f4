package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
)

// Network is one Ethernet with its gateway. All methods may be called from anywhere.
type Network struct {
	cfg     Config
	fabric  *fabric
	gateway *gateway

	mu        sync.Mutex
	listeners []net.Listener
	conns     map[net.Conn]bool
	wg        sync.WaitGroup
	shut      bool
}

// New makes a network and its gateway. Close ends it.
func New(cfg Config) (*Network, error) {
	n := &Network{cfg: cfg, fabric: newFabric(), conns: map[net.Conn]bool{}}
	g, err := newGateway(cfg, n.fabric)
	if err != nil {
		return nil, err
	}
	n.gateway = g
	return n, nil
}

// Contains tells whether an address is on this network.
func (n *Network) Contains(ip netip.Addr) bool { return n.cfg.Prefix.Contains(ip) }

// Serve makes the machine's socket: each connection to it is that machine's wire, for as long as
// it lasts. stream is QEMU's framing (32 bits of length before each frame on a stream socket);
// otherwise each packet of a unixpacket socket is a frame, as User-Mode Linux speaks it.
// A stale socket file is replaced.
func (n *Network) Serve(machine, socket string, stream bool) error {
	kind := "unixpacket"
	if stream {
		kind = "unix"
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("network %s: %w", n.cfg.Name, err)
	}
	listener, err := net.Listen(kind, socket)
	if err != nil {
		return fmt.Errorf("network %s: port of %s: %w", n.cfg.Name, machine, err)
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		listener.Close()
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.shut {
		listener.Close()
		return net.ErrClosed
	}
	n.listeners = append(n.listeners, listener)
	n.wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			n.wg.Go(func() { n.Attach(machine, conn, stream) })
		}
	})
	return nil
}

// Attach carries frames between a connection and the network until it breaks; it closes it then.
func (n *Network) Attach(machine string, conn net.Conn, stream bool) error {
	n.mu.Lock()
	if n.shut {
		n.mu.Unlock()
		conn.Close()
		return net.ErrClosed
	}
	n.conns[conn] = true
	n.mu.Unlock()

	p := n.fabric.plug(machine, false)
	var writer sync.WaitGroup
	writer.Go(func() {
		defer conn.Close()
		p.drain(conn, stream)
	})
	err := n.fill(p, conn, stream)
	conn.Close()
	n.gateway.forget(n.fabric.unplug(p))
	writer.Wait()

	n.mu.Lock()
	delete(n.conns, conn)
	n.mu.Unlock()
	return err
}

// largest is the largest frame taken: offloads may hand over 64 KiB at once.
const largest = 1<<16 + 64

// fill reads frames from the machine into the fabric.
func (n *Network) fill(p *port, conn net.Conn, stream bool) error {
	if !stream {
		space := make([]byte, largest)
		for {
			got, err := conn.Read(space)
			if err != nil || got == 0 {
				return err
			}
			n.fabric.forward(p, append([]byte(nil), space[:got]...))
		}
	}
	in := bufio.NewReaderSize(conn, largest)
	for {
		var size [4]byte
		if _, err := io.ReadFull(in, size[:]); err != nil {
			return err
		}
		length := binary.BigEndian.Uint32(size[:])
		if length > largest {
			return fmt.Errorf("a frame of %d bytes", length)
		}
		frame := make([]byte, length)
		if _, err := io.ReadFull(in, frame); err != nil {
			return err
		}
		n.fabric.forward(p, frame)
	}
}

// drain writes the queue to the machine. Only it waits for a machine that does not read.
func (p *port) drain(conn net.Conn, stream bool) {
	for {
		select {
		case <-p.closed:
			return
		case frame := <-p.out:
			if stream {
				frame = append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(frame)), uint32(len(frame))), frame...)
			}
			if _, err := conn.Write(frame); err != nil {
				return
			}
		}
	}
}

// Close takes the network down with all attachments and sockets, and waits for its goroutines.
func (n *Network) Close() error {
	n.mu.Lock()
	n.shut = true
	for _, listener := range n.listeners {
		listener.Close()
	}
	for conn := range n.conns {
		conn.Close()
	}
	n.mu.Unlock()
	n.wg.Wait()
	n.gateway.close()
	return nil
}
