package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"haprov"
	"haprov/internal/config"
	"haprov/internal/engine"
	"haprov/internal/file"
	"haprov/internal/inventory"
	"haprov/internal/lab"
	"haprov/internal/lab/pace"
	"haprov/internal/recipe"
	"haprov/internal/secret"
	"haprov/internal/secret/store"
	"haprov/internal/transport"
)

// job is a loaded inventory with what is needed to reach its hosts.
type job struct {
	*app
	program *recipe.Program
	path    string       // of the inventory; empty: the shipped one
	driver  string       // that the program was read for; "": machines that are no lab's
	local   *store.Store // the secrets of this machine
	secrets *store.Store // those of the inventory; local unless it says where they are
	files   bool         // only files are read
	lab     *lab.Client  // nil: the machines are not a lab's
	vagrant *vagrant

	hypervisor *hypervisor // nil: the machines are not Vagrant's
	user       *transport.SSHConfig
	pace       *pace.Watch // of this machine, when a lab's machines run on it
}

// emulated is the driver whose time-outs fit machines without hardware virtualisation.
const emulated = "tcg"

// load reads inventory and recipes and shows all problems at once. Secrets that are there and
// cannot be read are an error.
func (a *app) load() (*job, error) {
	j, err := a.loadAnyway()
	if err != nil {
		return nil, err
	}
	if err := j.secrets.Err(); err != nil {
		return nil, errInput{fmt.Sprintf("secrets: %v", err)}
	}
	return j, j.unmigrated()
}

// loadAnyway is load for what mends the secrets.
func (a *app) loadAnyway() (*job, error) { return a.loadWith(true) }

// loadFiles is load for what needs no secret: nothing but files is read. The secrets of an inventory
// that says where they are, are not asked for: no program is run and no server connected to.
func (a *app) loadFiles() (*job, error) {
	j, err := a.loadWith(false)
	if err == nil && j.secrets.Err() != nil {
		err = errInput{fmt.Sprintf("secrets: %v", j.secrets.Err())}
	}
	return j, err
}

func (a *app) loadWith(shared bool) (*job, error) {
	root, err := stateFolder()
	if err != nil {
		return nil, err
	}
	s, err := openSecrets(root)
	if err != nil {
		return nil, errInput{fmt.Sprintf("secrets: %v", err)}
	}
	path := a.inventory
	if path == "" {
		// Also a link that leads nowhere: what the user meant is not what is shipped.
		if _, err := os.Lstat("haprov.hcl"); err == nil {
			path = "haprov.hcl"
		}
	}
	j := &job{app: a, path: path, local: s, secrets: s, files: !shared}
	if a.useVagrant {
		j.hypervisor = hypervisorOf(vagrantDir())
	}
	if err := j.read(); err != nil {
		if h := j.hypervisor; h != nil && h.err != nil {
			fmt.Fprintf(a.err, "fencing under Vagrant: %v\n", h.err)
		}
		return nil, err
	}
	return j, nil
}

// stateFolder is where secrets, labs and journals lie. One that others can change is refused.
func stateFolder() (string, error) {
	root, err := lab.Root()
	if err != nil {
		return "", err
	}
	if err := file.Folder(root); err != nil {
		return "", errInput{fmt.Sprintf("state folder: %v", err)}
	}
	return root, nil
}

// openSecrets opens the store of this machine, encrypted when there is an age identity.
func openSecrets(root string) (*store.Store, error) {
	s, err := store.Open(filepath.Join(root, "secrets"))
	if err != nil {
		return nil, err
	}
	if key := identity(root); key != "" {
		err = s.Unlock(key)
	}
	return s, err
}

// read makes the program, once, and shows all problems at once.
func (j *job) read() error {
	o := config.Options{Secrets: j.local, Shipped: haprov.Shipped, Default: haprov.Default, Machines: j.machines, Vagrant: j.useVagrant}
	if j.hypervisor != nil {
		o.Fences = j.hypervisor.fences
	}
	if !j.files {
		o.Source = j.shared
	}
	path := j.path
	if _, err := os.Stat(path); path != "" && errors.Is(err, fs.ErrNotExist) {
		// One of those that are shipped, by the name that the documents give it.
		if text, err := haprov.Shipped.ReadFile(path); err == nil && strings.HasPrefix(path, "inventory/") {
			o.Text, path = text, "(shipped)/"+path
		}
	}
	p, problems := config.Load(path, o)
	told := slices.Equal(problems, j.problems) // by an earlier reading of this command
	if j.problems = problems; !told {
		fmt.Fprint(j.err, problems.Render(100, j.color()))
	}
	if problems.Failed() {
		return errInput{}
	}
	j.program, j.places = p, places(p)
	return nil
}

// machines tells what the inventory's machines run on: recipes' time-outs depend on it. Of a lab it is
// known once its machines were started, or when the inventory names it.
func (j *job) machines(v *inventory.Inventory) config.Machines {
	switch {
	case j.hypervisor != nil && j.hypervisor.slow:
		j.driver = emulated
	case j.useVagrant || v.Lab == nil:
	default:
		j.driver = v.Lab.Driver
		if l, err := lab.Open(v.Lab.Name); err == nil && l.Driver() != "" {
			j.driver = l.Driver()
		}
	}
	return config.Machines{Driver: j.driver, Speed: j.speed()}
}

// outdated tells that a driver was chosen for the lab after the program was read: for its first start.
func (j *job) outdated() bool { return j.lab != nil && j.lab.Driver() != j.driver }

// labSpec is the lab the inventory asks for, with the packages at hand that its recipes install.
func labSpec(p *recipe.Program) lab.Spec {
	v := p.Inventory
	s := lab.Spec{Name: v.Lab.Name, Image: v.Lab.Image, Driver: v.Lab.Driver, Packages: p.Packages()}
	if inventory.IsImageFile(s.Image) {
		s.Packages = nil // the file is as it is
		if path, err := filepath.Abs(s.Image); err == nil {
			s.Image = path // the same lab from whatever folder
		}
	}
	for _, n := range v.Networks {
		s.Networks = append(s.Networks, lab.Network{Name: n.Name, CIDR: n.CIDR})
	}
	for _, h := range v.Hosts {
		x := lab.Host{Name: h.Name, MemoryMiB: int(max(h.Memory, v.Lab.Memory) >> 20), CPUs: max(h.CPUs, v.Lab.CPUs)}
		for _, d := range h.Disks {
			x.Disks = append(x.Disks, lab.Disk{Name: d.Name, SizeBytes: d.Size})
		}
		// The interface that SSH uses comes first.
		ssh := v.Address(h, "ssh")
		for _, first := range []bool{true, false} {
			for _, a := range h.Addresses {
				if (a.IP == ssh) == first {
					x.NICs = append(x.NICs, lab.NIC{Network: a.Network, Address: a.IP})
				}
			}
		}
		s.Hosts = append(s.Hosts, x)
	}
	return s
}

// target says how to log in to a host.
func (j *job) target(h inventory.Host) transport.Target {
	v := j.program.Inventory
	if j.lab != nil {
		return transport.Target{Name: h.Name, Address: v.Address(h, "ssh"), Port: 22, User: "root", KeyFiles: []string{j.lab.Key()},
			KnownHosts: []string{j.lab.KnownHosts()}, OnlyKnown: true, Dial: j.lab.Dial}
	}
	t := transport.Target{Name: h.Name, Address: v.Address(h, "ssh"), Port: h.SSH.Port, User: h.SSH.User, KeyFiles: h.SSH.Keys, UseAgent: h.SSH.Agent,
		KnownHosts: h.SSH.KnownHosts, OnlyKnown: h.SSH.OnlyKnown, HostKeyAlias: h.SSH.Alias, Become: h.SSH.Sudo, Jumps: h.SSH.Jump, Config: j.user}
	if pass := h.SSH.SudoPassword; !pass.Empty() {
		t.SudoPassword = func() (secret.Text, error) { return j.sudoPassword(pass) }
	}
	if j.vagrant != nil {
		t = j.vagrant.target(t)
	}
	return t
}

func (j *job) open(ctx context.Context, host string) (transport.Session, error) {
	h, ok := j.program.Inventory.Host(host)
	if !ok {
		return nil, fmt.Errorf("no host %s in the inventory", host)
	}
	return transport.Open(ctx, j.target(h))
}

// reach prepares the way to the hosts. With start, a lab's machines are made and started; without,
// the lab must be running.
func (j *job) reach(ctx context.Context, start bool, report func(lab.Event)) error {
	v := j.program.Inventory
	var err error
	if j.useVagrant {
		var hosts []string
		for _, h := range v.Hosts {
			hosts = append(hosts, h.Name)
		}
		if start {
			if err := j.allowed(); err != nil {
				return err
			}
		}
		j.vagrant, err = j.vagrantWay(ctx, hosts)
		return err
	}
	if v.Lab == nil {
		j.user, err = transport.UserSSHConfig()
		return err
	}
	if !start {
		if j.lab, err = lab.Open(v.Lab.Name); err != nil {
			return err
		}
		_, err = j.lab.Status(ctx) // it must run
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	if j.lab, err = startLab(ctx, labSpec(j.program), exe, report); err != nil {
		return err
	}
	st, err := j.lab.Status(ctx)
	if err != nil {
		return err
	}
	errs := make(chan error, len(v.Hosts))
	for _, h := range v.Hosts {
		if slices.ContainsFunc(st.Machines, func(m lab.Machine) bool { return m.Host == h.Name && m.State == lab.OffByUser }) {
			errs <- nil // the engine names it as unreachable, and the rest goes on
			continue
		}
		go func() {
			if err := j.lab.WaitSSH(ctx, h.Name); err != nil {
				err = fmt.Errorf("%s: %w", h.Name, err)
				errs <- err
				return
			}
			report(lab.Event{Kind: "power", Host: h.Name, Action: "up", OK: true, Text: "answers on SSH"})
			errs <- nil
		}()
	}
	var all []error
	for range v.Hosts {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// speed is how much slower than a real machine the hosts are.
func (j *job) speed() float64 { return inventory.DriverOf(j.driver).Speed }

func holder() string {
	name, host := "somebody", "somewhere"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return fmt.Sprintf("%s@%s, process %d", name, host, os.Getpid())
}

// options are the engine's, for one cluster.
func (j *job) options(ctx context.Context, c recipe.Cluster) engine.Options {
	o := engine.Options{Hosts: c.Chains, Open: j.open, Checks: c.Checks, Active: c.Active, Holder: holder(), Speed: j.speed(),
		Prepare: func(context.Context) error { return j.commit() }}
	if j.lab != nil || j.hypervisor != nil {
		if j.pace == nil {
			j.pace = pace.NewWatch()
		}
		o.Pace = j.slow
	}
	return o
}

// slow says by how much this machine, which the lab's machines run on, is slower than usual, and why
// when it is overloaded.
func (j *job) slow() (factor float64, why string) {
	p := j.pace.Now()
	if p.Overloaded() {
		why = p.String()
	}
	return p.Factor, why
}
