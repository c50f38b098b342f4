package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haprov/internal/inventory"
	"haprov/internal/lab/machine"
)

// domains stands in for libvirt: which machines are on, and what fails.
type domains struct {
	on   map[string]bool
	fail error
	last string
}

type fakeDomain struct {
	*domains
	name string
}

func (d fakeDomain) On() (bool, error) { return d.on[d.name], d.fail }
func (d fakeDomain) Off() error        { d.last = "off " + d.name; return d.fail }
func (d fakeDomain) Start() error      { d.last = "on " + d.name; return d.fail }
func (d fakeDomain) Reboot() (again, err error) {
	d.last = "reboot " + d.name
	return errors.New("no\nmemory"), d.fail
}

// vagrantMade is a .vagrant folder with machines of libvirt.
func vagrantMade(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, n := range names {
		folder := filepath.Join(dir, "machines", n, "libvirt")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprintf("6a0f5cc4-8a3c-4b58-9d5b-0000000000%02d", i)
		if err := os.WriteFile(filepath.Join(folder, "id"), []byte(id), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTheGateCutsThePowerOfVagrantsMachinesAlone(t *testing.T) {
	d := &domains{on: map[string]bool{"db1": true}}
	g := powerGate{folder: vagrantMade(t, "db1", "db2"), domain: func(folder, name string) (power, error) {
		_, err := vagrantDomain(folder, name) // the machine must be Vagrant's
		return fakeDomain{d, name}, err
	}}
	for _, c := range []struct{ request, want, did string }{
		{"monitor", "ready", ""},
		{"list", "db1 db2", ""},
		{"status db1", "on", ""},
		{"status db2", "off", ""},
		{"off db2", "off", "off db2"},
		{"on db2", "on", "on db2"},
		{"reboot db1", "off, and did not start again: no memory", "reboot db1"},
		{"", "no: not a request: ACTION [MACHINE]", ""},
		{"off", `no: "off" needs a machine`, ""},
		{"off db1 db2", "no: not a request: ACTION [MACHINE]", ""},
		{"off ../db1", `no: "../db1" is no machine's name`, ""},
		{"undefine db1", `no: unknown action "undefine"`, ""},
		{"off " + strings.Repeat("x", 300), "no: not a request: ACTION [MACHINE]", ""},
	} {
		d.last = ""
		got, err := g.answer(c.request)
		if err != nil {
			got = "no: " + err.Error()
		}
		if got != c.want || d.last != c.did {
			t.Errorf("%q: %q, did %q; want %q, %q", c.request, got, d.last, c.want, c.did)
		}
	}
	if _, err := g.answer("off web1"); err == nil || d.last != "" {
		t.Errorf("a machine that is not Vagrant's: %v, did %q", err, d.last)
	}
	d.fail = errors.New("the daemon has gone")
	for _, request := range []string{"off db1", "reboot db1", "status db1"} {
		if got, err := g.answer(request); err == nil {
			t.Errorf("%s: said %q though it failed", request, got)
		}
	}
}

// A cluster under Vagrant is fenced through this machine, at its own address in the machines' first
// network, unless the inventory names devices.
func TestVagrantsMachinesAreFencedThroughThisMachine(t *testing.T) {
	h := &hypervisor{login: "me", hostKey: "ssh-ed25519 AAAA"}
	v := &inventory.Inventory{Networks: []inventory.Network{{Name: "service", CIDR: "192.168.56.0/24"}}}
	f := h.fences(v, inventory.Host{Name: "db1", Addresses: []inventory.Address{{Network: "service", IP: "192.168.56.11"}}})
	if len(f) != 1 || f[0].Agent != "fence_haprov" {
		t.Fatalf("%+v", f)
	}
	for option, want := range map[string]string{"ip": "192.168.56.1", "username": "me", "host_key": "ssh-ed25519 AAAA", "plug": "db1"} {
		if got := f[0].Options[option].Reveal(); got != want {
			t.Errorf("%s: %q, want %q", option, got, want)
		}
	}
	h.err = errors.New("no SSH server")
	if f := h.fences(v, inventory.Host{Name: "db1", Addresses: []inventory.Address{{Network: "service", IP: "192.168.56.11"}}}); f != nil {
		t.Errorf("%+v though %v", f, h.err)
	}
}

func TestUUIDsAreReadAsVagrantWritesThem(t *testing.T) {
	if id, err := machine.ParseUUID("6a0f5cc4-8a3c-4b58-9d5b-0123456789ab"); err != nil || id[0] != 0x6a || id[15] != 0xab {
		t.Errorf("%x %v", id, err)
	}
	for _, bad := range []string{"", "6a0f5cc4", "no uuid", strings.Repeat("ab", 17)} {
		if _, err := machine.ParseUUID(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
