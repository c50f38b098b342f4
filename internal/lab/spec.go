// Package lab keeps machines of the project's own: their disks, wires, power, keys and faults.
//
// One supervisor a lab (this same program, started again in a session of its own) owns the
// switches and the machines' processes, and outlives the command that started it. Because it owns
// both power and wires it is also the fence device and the fault injector. Commands talk to it
// through a Client, over a private unix socket. Nothing listens beyond that, and all of it works
// as an ordinary user.
//
// A limit to know: a power cut here ends the machine's processes. What the guest wrote without
// flushing is kept by this machine's page cache, so a lab's power cut is kinder to careless
// writers than a real one.
//
// It must not know recipes, kinds or what runs in the guests, and it does not speak SSH: it hands
// out connections, keys and known hosts.
package lab

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"

	"haprov/internal/file"
)

// Spec says what a lab is made of. It comes from the inventory and is kept as JSON.
type Spec struct {
	Name     string    `json:"name"`
	Driver   string    `json:"driver"` // a name of inventory.Drivers, or auto; "" is auto
	Image    string    `json:"image"`  // a name of inventory.Images, or the absolute path of a file (inventory.IsImageFile); "" is the first
	Networks []Network `json:"networks"`
	Hosts    []Host    `json:"hosts"`
	// Packages are to be at hand in the machines without a network. They count when the lab is made;
	// what is asked for later comes from this machine's own archive.
	Packages []string `json:"packages,omitempty"`
}

// Network is one Ethernet. Its first address is the gateway's.
type Network struct {
	Name string `json:"name"`
	CIDR string `json:"cidr"`
}

// Host is one machine.
type Host struct {
	Name      string `json:"name"`
	MemoryMiB int    `json:"memory_mib"` // 0: 1024
	CPUs      int    `json:"cpus"`       // 0: 1
	Disks     []Disk `json:"disks,omitempty"`
	NICs      []NIC  `json:"nics"`
}

// Disk is a block device beside the root; the guest finds it as /dev/disk/by-haprov/NAME.
type Disk struct {
	Name      string `json:"name"`
	SizeBytes int64  `json:"size_bytes"`
}

// NIC is one interface. The first one is the one SSH uses.
type NIC struct {
	Network string `json:"network"`
	Address string `json:"address"` // without prefix length
}

var goodName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Check finds what is wrong with a spec, all at once.
func (s Spec) Check() error {
	var bad []error
	wrong := func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) }
	if !goodName.MatchString(s.Name) {
		wrong("lab %q: a name is lower-case letters, digits and dashes", s.Name)
	}
	networks := map[string]netip.Prefix{}
	used := map[netip.Addr]string{}
	for i, n := range s.Networks {
		prefix, err := netip.ParsePrefix(n.CIDR)
		if err != nil || !prefix.Addr().Is4() || prefix.Bits() > 29 {
			wrong("network %s: %q is not an IPv4 network of /29 or wider", n.Name, n.CIDR)
			continue
		}
		for _, other := range s.Networks[:i] {
			if networks[other.Name].Overlaps(prefix) {
				wrong("network %s: %s overlaps network %s", n.Name, n.CIDR, other.Name)
			}
		}
		networks[n.Name] = prefix.Masked()
		used[gatewayOf(prefix)] = "the gateway of network " + n.Name
	}
	seen := map[string]bool{}
	for _, h := range s.Hosts {
		if !goodName.MatchString(h.Name) || seen[h.Name] || h.Name == "gateway" {
			wrong("host %q: names are lower-case letters, digits and dashes, each once, and not gateway", h.Name)
		}
		seen[h.Name] = true
		if len(h.NICs) == 0 {
			wrong("host %s: no address", h.Name)
		}
		for _, nic := range h.NICs {
			address, err := netip.ParseAddr(nic.Address)
			prefix, known := networks[nic.Network]
			switch {
			case !known:
				wrong("host %s: there is no network %q", h.Name, nic.Network)
			case err != nil || !prefix.Contains(address):
				wrong("host %s: %q is not an address of network %s (%s)", h.Name, nic.Address, nic.Network, prefix)
			case used[address] != "":
				wrong("host %s: %s belongs to %s", h.Name, address, used[address])
			default:
				used[address] = "host " + h.Name
			}
		}
		for _, d := range h.Disks {
			if !goodName.MatchString(d.Name) || d.SizeBytes < 1<<20 {
				wrong("host %s: disk %q of %d bytes: at least 1 MiB, and a plain name", h.Name, d.Name, d.SizeBytes)
			}
		}
	}
	return errors.Join(bad...)
}

func (s Spec) host(name string) (Host, bool) {
	for _, h := range s.Hosts {
		if h.Name == name {
			return h, true
		}
	}
	return Host{}, false
}

func (s Spec) prefix(network string) netip.Prefix {
	for _, n := range s.Networks {
		if n.Name == network {
			return netip.MustParsePrefix(n.CIDR).Masked()
		}
	}
	return netip.Prefix{}
}

func gatewayOf(p netip.Prefix) netip.Addr { return p.Masked().Addr().Next() }

// address is where SSH finds the host.
func (h Host) address() string { return h.NICs[0].Address }

// macOf is the same for the same lab, host and network, so a guest sees the same card each boot.
func macOf(lab, host, network string) string {
	d := sha256.Sum256([]byte(lab + "\x00" + host + "\x00" + network))
	return fmt.Sprintf("52:54:01:%02x:%02x:%02x", d[0], d[1], d[2])
}

// Root is the directory all labs live under: $HAPROV_STATE, else $XDG_STATE_HOME/haprov, else
// ~/.local/state/haprov.
func Root() (string, error) {
	if dir := os.Getenv("HAPROV_STATE"); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "haprov"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("place for the lab's state: %w", err)
	}
	return filepath.Join(home, ".local", "state", "haprov"), nil
}

// Dir is the state directory of one lab.
func Dir(name string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, "labs", name)
	return dir, file.Folder(dir)
}

// maxState is how many bytes of a file of the state folder are read; those written have a few thousand.
const maxState = 4 << 20

func readJSON(path string, into any) error {
	text, err := file.Read(path, maxState)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// writeFile replaces a file as a whole, 0600. Several may write it at once: who reads finds the
// whole text of one of them.
func writeFile(path string, text []byte) error {
	next, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new*") // made with 0600
	if err != nil {
		return err
	}
	_, err = next.Write(text)
	if err = errors.Join(err, next.Close()); err == nil {
		err = os.Rename(next.Name(), path)
	}
	if err != nil {
		os.Remove(next.Name())
	}
	return err
}

func writeJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, append(text, '\n'))
}
