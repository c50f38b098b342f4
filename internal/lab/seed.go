package lab

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"haprov/internal/inventory"
)

// FencePort is where each network's gateway takes fence requests.
const FencePort = 7410

// seed writes the tar that is extracted over / at each boot of a host: what makes this machine
// this host. token is the one of this boot, see fence.go; sources are the files that say where its
// apt finds what the image lacks.
func (p place) seed(spec Spec, h Host, token string, sources map[string]string) error {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	var first error
	add := func(name string, mode int64, text string) {
		header := &tar.Header{Name: name, Mode: mode, Size: int64(len(text)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := w.WriteHeader(header); err != nil && first == nil {
			first = err
		}
		if _, err := w.Write([]byte(text)); err != nil && first == nil {
			first = err
		}
	}
	folder := func(name string, mode int64) {
		header := &tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := w.WriteHeader(header); err != nil && first == nil {
			first = err
		}
	}
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil && first == nil {
			first = err
		}
		return string(text)
	}

	add("etc/hostname", 0o644, h.Name+"\n")
	add("etc/hosts", 0o644, hostsFile(spec))
	add("etc/ssh/ssh_host_ed25519_key", 0o600, read(p.hostKey(h.Name)))
	add("etc/ssh/ssh_host_ed25519_key.pub", 0o644, read(p.hostKey(h.Name)+".pub"))
	folder("root/.ssh/", 0o700)
	add("root/.ssh/authorized_keys", 0o600, read(p.userKey()+".pub"))
	for i, nic := range h.NICs {
		add(fmt.Sprintf("etc/systemd/network/05-haprov%d.network", i), 0o644, networkFile(spec, h, i))
		if i == 0 {
			add("etc/resolv.conf", 0o644, fmt.Sprintf("nameserver %s\noptions timeout:2 attempts:1\n", gatewayOf(spec.prefix(nic.Network))))
		}
	}
	folder("etc/haprov/", 0o755)
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		add(name, 0o644, sources[name])
	}
	if inventory.IsImageFile(spec.Image) { // for image/prepare/seed
		add("etc/haprov/disks", 0o644, diskNames(h))
		add("etc/machine-id", 0o444, machineID(spec.Name, h.Name))
	}
	add("etc/haprov/fence.conf", 0o600, fenceConf(spec, h, token))
	if err := w.Close(); err != nil && first == nil {
		first = err
	}
	if first != nil {
		return fmt.Errorf("seed: %w", first)
	}
	// Drivers hand the seed over as a block device: whole sectors, and a size that never changes.
	if rest := out.Len() % seedUnit; rest != 0 {
		out.Write(make([]byte, seedUnit-rest))
	}
	return writeFile(p.seedFile(h.Name), out.Bytes())
}

const seedUnit = 64 << 10

func diskNames(h Host) string {
	var b strings.Builder
	for _, d := range h.Disks {
		fmt.Fprintln(&b, d.Name)
	}
	return b.String()
}

// machineID is the same for the same lab and host. Disks that come from one file would all have that
// file's, and machine-id(5) wants one for each machine.
func machineID(lab, host string) string {
	return fmt.Sprintf("%x\n", sha256.Sum256([]byte("machine-id\x00"+lab+"\x00"+host)))[:32] + "\n"
}

// hostsFile names every host by its first address, and its other addresses by HOST-NETWORK.
func hostsFile(spec Spec) string {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n")
	for _, h := range spec.Hosts {
		for i, nic := range h.NICs {
			name := h.Name
			if i > 0 {
				name += "-" + nic.Network
			}
			fmt.Fprintf(&b, "%s %s\n", nic.Address, name)
		}
	}
	return b.String()
}

// networkFile configures one interface by its hardware address: names differ between drivers.
// networkd must keep what Pacemaker put there (the virtual IP) when it is restarted.
func networkFile(spec Spec, h Host, i int) string {
	nic := h.NICs[i]
	prefix := spec.prefix(nic.Network)
	text := fmt.Sprintf("[Match]\nMACAddress=%s\n\n[Network]\nAddress=%s/%d\nLinkLocalAddressing=no\nIPv6AcceptRA=no\nLLMNR=no\nKeepConfiguration=static\n",
		macOf(spec.Name, h.Name, nic.Network), nic.Address, prefix.Bits())
	if i == 0 {
		text += fmt.Sprintf("Gateway=%s\n", gatewayOf(prefix))
	}
	return text
}

// fenceConf is what templates/fence_haprov reads. All networks are listed: one of them may be cut.
func fenceConf(spec Spec, h Host, token string) string {
	var at []string
	for _, nic := range h.NICs {
		at = append(at, fmt.Sprintf("%s:%d", gatewayOf(spec.prefix(nic.Network)), FencePort))
	}
	return fmt.Sprintf("node=%s\naddresses=%s\ntoken=%s\n", h.Name, strings.Join(at, " "), token)
}

// place knows the files of one lab's state directory.
type place struct{ dir string }

func (p place) at(parts ...string) string     { return filepath.Join(append([]string{p.dir}, parts...)...) }
func (p place) spec() string                  { return p.at("spec.json") }
func (p place) choice() string                { return p.at("machine.json") }
func (p place) lock() string                  { return p.at("supervisor.lock") }
func (p place) upLock() string                { return p.at("up.lock") }
func (p place) output() string                { return p.at("supervisor.log") }
func (p place) events() string                { return p.at("events.jsonl") }
func (p place) knownHosts() string            { return p.at("known_hosts") }
func (p place) userKey() string               { return p.at("keys", "user") }
func (p place) hostKey(host string) string    { return p.at("keys", "host-"+host) }
func (p place) machine(host string) string    { return p.at("m", host) }
func (p place) seedFile(host string) string   { return p.at("m", host, "seed.tar") }
func (p place) console(host string) string    { return p.at("m", host, "console.log") }
func (p place) heldOff(host string) string    { return p.at("m", host, "powered-off") }
func (p place) disk(host, disk string) string { return p.at("disks", host+"-"+disk+".raw") }
