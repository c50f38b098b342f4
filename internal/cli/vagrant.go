package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"haprov/internal/transport"
)

// vagrantConfig asks Vagrant how to log in to its machines: in this folder, or in vagrant/ when
// only that holds a Vagrantfile.
func vagrantConfig(ctx context.Context) (*transport.SSHConfig, error) {
	cmd := exec.CommandContext(ctx, "vagrant", "ssh-config")
	if _, err := os.Stat("Vagrantfile"); err != nil {
		if _, err := os.Stat(filepath.Join("vagrant", "Vagrantfile")); err == nil {
			cmd.Dir = "vagrant"
		}
	}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("vagrant ssh-config: %w (are the machines up?)", err)
	}
	return transport.ParseSSHConfig(out)
}
