package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"haprov/internal/file"
	"haprov/internal/lab/machine"
)

// fenceGateCmd is what sshd runs for the key of a cluster's fence device, whatever was asked for:
// the other side of templates/fence_haprov.
func (a *app) fenceGateCmd() *cobra.Command {
	return &cobra.Command{
		Use: "fence-gate FOLDER", Hidden: true, Args: cobra.ExactArgs(1),
		Short: "Answer the fence agents of Vagrant's machines, for authorized_keys",
		Long:  "FOLDER is Vagrant's .vagrant. The request is in SSH_ORIGINAL_COMMAND: monitor, list, or\nstatus, on, off or reboot and the name of a machine. Answers ok TEXT or no REASON.",
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := powerGate{folder: args[0], domain: libvirtDomain}.answer(os.Getenv("SSH_ORIGINAL_COMMAND"))
			if err != nil {
				text = "no " + strings.Join(strings.Fields(err.Error()), " ")
			} else {
				text = "ok " + text
			}
			_, err = io.WriteString(a.out, text+"\n")
			return err
		},
	}
}

// power is what a gate does to a machine.
type power interface {
	On() (bool, error)
	Off() error
	Start() error
	Reboot() (again, err error)
}

// libvirtDomain finds a domain of the system's daemon, where vagrant-libvirt makes them.
func libvirtDomain(folder, name string) (power, error) {
	return vagrantDomain(folder, name)
}

// powerGate lets the power of one Vagrant environment's machines be cut, and of no others.
type powerGate struct {
	folder string // .vagrant
	domain func(folder, name string) (power, error)
}

var machineName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$`)

// answer does what a request asks for. Without an error of off and reboot the machine was off.
func (g powerGate) answer(request string) (string, error) {
	words := strings.Fields(request)
	if len(request) > 200 || len(words) == 0 || len(words) > 2 {
		return "", errors.New("not a request: ACTION [MACHINE]")
	}
	switch {
	case len(words) == 1 && words[0] == "monitor":
		if len(g.names()) == 0 {
			return "", fmt.Errorf("no machine of libvirt in %s", g.folder)
		}
		return "ready", nil
	case len(words) == 1 && words[0] == "list":
		return strings.Join(g.names(), " "), nil
	case len(words) == 1:
		return "", fmt.Errorf("%.20q needs a machine", words[0])
	}
	m, err := g.machine(words[1])
	if err != nil {
		return "", err
	}
	switch words[0] {
	case "status":
		on, err := m.On()
		if err != nil {
			return "", err
		}
		if on {
			return "on", nil
		}
		return "off", nil
	case "on":
		return "on", m.Start()
	case "off":
		return "off", m.Off()
	case "reboot":
		again, err := m.Reboot()
		switch {
		case err != nil:
			return "", err
		case again != nil: // it is off, and that is what was asked to be certain
			return "off, and did not start again: " + strings.Join(strings.Fields(again.Error()), " "), nil
		}
		return "off and started again", nil
	}
	return "", fmt.Errorf("unknown action %.20q", words[0])
}

// names are the machines that Vagrant has made with libvirt.
func (g powerGate) names() (out []string) {
	found, _ := filepath.Glob(filepath.Join(g.folder, "machines", "*", "libvirt", "id")) // the pattern is good
	for _, f := range found {
		out = append(out, filepath.Base(filepath.Dir(filepath.Dir(f))))
	}
	return out
}

func (g powerGate) machine(name string) (power, error) {
	if !machineName.MatchString(name) {
		return nil, fmt.Errorf("%.40q is no machine's name", name)
	}
	m, err := g.domain(g.folder, name)
	if err != nil {
		return nil, fmt.Errorf("no machine %s: %w", name, err)
	}
	return m, nil
}

// vagrantDomain is the domain of a machine, by the UUID that Vagrant keeps.
func vagrantDomain(folder, name string) (machine.Domain, error) {
	d := machine.Domain{Daemon: machine.Libvirt{URI: "qemu:///system"}}
	text, err := file.Read(filepath.Join(folder, "machines", name, "libvirt", "id"), 100)
	if err == nil {
		d.UUID, err = machine.ParseUUID(strings.TrimSpace(string(text)))
	}
	return d, err
}
