package cli

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"haprov/internal/file"
	"haprov/internal/inventory"
	"haprov/internal/kind"
	"haprov/internal/recipe"
	"haprov/internal/secret"
	"haprov/internal/secret/sshkey"
	"haprov/internal/shell"
)

// hypervisor is this machine as the members of a cluster under Vagrant see it: who cuts their power.
// Only libvirt's machines are fenced so; those of other providers need fence blocks.
type hypervisor struct {
	folder  string // .vagrant, absolute
	login   string // who the fence agents log in as
	hostKey string // this machine's, type and key
	err     error  // why there is none
	slow    bool   // its machines are emulated
}

// fenceAgent asks this machine; see templates/fence_haprov.
const fenceAgent = "fence_haprov"

// hypervisorOf looks at what Vagrant has made in a folder. No machine is asked.
func hypervisorOf(dir string) *hypervisor {
	h := &hypervisor{folder: vagrantFolder(dir)}
	provider := "libvirt" // what the box is for; nothing is made yet
	found, _ := filepath.Glob(filepath.Join(h.folder, "machines", "*", "*", "id"))
	for _, f := range found {
		provider = filepath.Base(filepath.Dir(f))
		name := filepath.Base(filepath.Dir(filepath.Dir(f)))
		d, err := vagrantDomain(h.folder, name)
		if provider != "libvirt" || err != nil {
			continue
		}
		// A daemon that does not answer says nothing of how fast its machines are.
		h.slow, _ = d.Emulated()
		break
	}
	if provider != "libvirt" {
		h.err = fmt.Errorf("machines of provider %s are not fenced by haprov: each host needs a fence block, such as fence_vbox", provider)
		return h
	}
	u, err := user.Current()
	if err != nil {
		h.err = err
		return h
	}
	h.login = u.Username
	const path = "/etc/ssh/ssh_host_ed25519_key.pub"
	text, err := file.Read(path, 4096)
	words := strings.Fields(string(text))
	switch {
	case err != nil:
		h.err = fmt.Errorf("the machines are fenced over an SSH login to this machine, which has no SSH server: %w; install it: apt-get install openssh-server", err)
	case len(words) < 2:
		h.err = fmt.Errorf("%s holds no host key", path)
	default:
		h.hostKey = words[0] + " " + words[1]
	}
	return h
}

// vagrantFolder is where Vagrant keeps what it knows of the machines of a Vagrantfile in dir.
func vagrantFolder(dir string) string {
	store := os.Getenv("VAGRANT_DOTFILE_PATH")
	if store == "" {
		store = ".vagrant"
	}
	if !filepath.IsAbs(store) {
		store = filepath.Join(dir, store)
	}
	if abs, err := filepath.Abs(store); err == nil {
		return abs
	}
	return store
}

// fences are the devices of a host that names none: this machine, at its own address in the first
// network that the host's logins use. libvirt gives it the first one of each of Vagrant's private
// networks (vagrant-libvirt, libvirt__host_ip).
func (h *hypervisor) fences(v *inventory.Inventory, host inventory.Host) []inventory.Fence {
	if h.err != nil || len(host.Addresses) == 0 {
		return nil
	}
	n, ok := v.Network(host.Addresses[0].Network)
	if !ok {
		return nil
	}
	p, err := netip.ParsePrefix(n.CIDR)
	if err != nil {
		return nil
	}
	return []inventory.Fence{{Agent: fenceAgent, Options: map[string]secret.Text{
		"ip": secret.Plain(p.Masked().Addr().Next().String()), "username": secret.Plain(h.login), "host_key": secret.Plain(h.hostKey), "plug": secret.Plain(host.Name),
	}}}
}

// allowed tells what this machine must allow before the cluster can fence its members, as a command
// that the user runs once. What was drawn for it is kept: the same key is asked for the next time.
func (j *job) allowed() error {
	h := j.hypervisor
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	u, err := user.Current()
	if err != nil {
		return err
	}
	keys := filepath.Join(u.HomeDir, ".ssh", "authorized_keys")
	there, _ := file.Read(keys, 1<<20) // none yet: nothing is allowed
	var missing []string
	for _, c := range j.program.Clusters {
		if !j.fencesHere(c) {
			continue
		}
		private, _, err := j.secrets.Make(c.Name, "ssh-fence", func() (string, error) { return sshkey.New(c.Name) })
		if err != nil {
			return err
		}
		public, err := sshkey.Public(private.Reveal())
		if err != nil {
			return fmt.Errorf("secret ssh-fence of cluster %s: %w", c.Name, err)
		}
		gate := shell.Join(exe, "fence-gate", h.folder)
		if strings.ContainsAny(gate, "\"\\\n") {
			return errInput{fmt.Sprintf("authorized_keys cannot hold the command %q: move haprov and the Vagrantfile to folders with plain names", gate)}
		}
		line := fmt.Sprintf(`restrict,command="%s" %s haprov-fence-%s`, gate, public, c.Name)
		if !strings.Contains("\n"+string(there), "\n"+line+"\n") {
			missing = append(missing, line)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if err := j.commit(); err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "The cluster must be able to cut its machines' power, and this machine must let it. With this line the\ncluster's key can do that and nothing else. Run once, as %s:\n\n", h.login)
	fmt.Fprintf(&text, "mkdir -p -m 700 %s\n", shell.Quote(filepath.Dir(keys)))
	fmt.Fprintf(&text, "cat >>%s <<'END'\n%s\nEND\n\n", shell.Quote(keys), strings.Join(missing, "\n"))
	a := j.app
	if a.json {
		return fmt.Errorf("machines cannot be fenced: run haprov up --vagrant without --json, which tells what to do: %w", kind.ErrRequirement)
	}
	// Not masked: the public half of a key is in the private one, too, and is no secret.
	if _, err := io.WriteString(a.own(), text.String()); err != nil {
		return err
	}
	return fmt.Errorf("machines cannot be fenced: run the commands above, then this one again: %w", kind.ErrRequirement)
}

// fencesHere tells whether members of a cluster are fenced through this machine.
func (j *job) fencesHere(c recipe.Cluster) bool {
	for _, name := range c.Hosts {
		if h, ok := j.program.Inventory.Host(name); ok {
			for _, f := range h.Fence {
				if f.Agent == fenceAgent && f.Options["username"].Reveal() == j.hypervisor.login {
					return true
				}
			}
		}
	}
	return false
}
