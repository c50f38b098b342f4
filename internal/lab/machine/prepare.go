package machine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Prepare boots the disk in the qcow2 file at path by its own boot loader and lets the systemd in
// it take up lines of tmpfiles.d(5): they come as the system credential tmpfiles.extra, by way of
// QEMU's firmware configuration (systemd.system-credentials(7); systemd 252 or later). Then the
// power button is pressed until the machine has shut down in order. said is what the lines write to
// the serial console /dev/ttyS0; a machine that shut down without it is an error.
//
// The machine has no network. It takes as long as a boot: at most 3 minutes with KVM, 20 without.
func (d QEMU) Prepare(ctx context.Context, path, lines, said string) error {
	limit := 20 * time.Minute
	if d.KVM {
		limit = 3 * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	dir, err := os.MkdirTemp("", "haprov-prepare-") // a socket's path must be short
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	credential, console := filepath.Join(dir, "tmpfiles"), filepath.Join(dir, "console")
	if err := os.WriteFile(credential, []byte(lines), 0o600); err != nil {
		return err
	}
	out, err := os.Create(console)
	if err != nil {
		return err
	}
	defer out.Close()
	args := append(d.board(1024, 1), "-no-reboot", "-qmp", "unix:"+escape(filepath.Join(dir, "qmp"))+",server=on,wait=off",
		"-fw_cfg", "name=opt/io.systemd.credentials/tmpfiles.extra,file="+escape(credential))
	args = append(args, drive("root", path, "format=qcow2,discard=unmap", "")...)
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = out, out
	t, err := start(cmd)
	if err != nil {
		return err
	}
	defer t.Kill()
	return pressed(ctx, t.Done(), filepath.Join(dir, "qmp"), func() (bool, string) {
		text, err := os.ReadFile(console)
		return err == nil && bytes.Contains(text, []byte(said)), tail(text)
	})
}

// buttonPace is how often the power button is pressed: until systemd-logind runs, nobody hears it.
const buttonPace = 5 * time.Second

// pressed presses the power button until the machine has ended, and judges what it has said.
func pressed(ctx context.Context, done <-chan struct{}, qmp string, heard func() (bool, string)) error {
	tick := time.NewTicker(buttonPace)
	defer tick.Stop()
	for {
		select {
		case <-done:
			if ok, last := heard(); !ok {
				return fmt.Errorf("the system on the disk did not take haprov's settings: it needs systemd 252 or later, as Debian 12 has it, and the kernel module qemu_fw_cfg (its console ends with: %s)", last)
			}
			return nil
		case <-tick.C:
			// The answer is no matter: what counts is that the machine ends.
			_ = button(qmp)
		case <-ctx.Done():
			ok, last := heard()
			switch {
			case !errors.Is(ctx.Err(), context.DeadlineExceeded):
				return ctx.Err()
			case ok:
				return fmt.Errorf("the system on the disk took haprov's settings, but did not shut down at the power button in time: it needs systemd-logind (its console ends with: %s)", last)
			}
			return fmt.Errorf("the system on the disk did not boot in time, by BIOS and with a console on ttyS0: %s", last)
		}
	}
}

// button presses the power button once, over QEMU's protocol (qemu.org, QMP specification).
func button(qmp string) error {
	c, err := net.DialTimeout("unix", qmp, time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	from := json.NewDecoder(c)
	for _, say := range []string{"", `{"execute":"qmp_capabilities"}`, `{"execute":"system_powerdown"}`} {
		if _, err := c.Write([]byte(say)); err != nil {
			return err
		}
		var answer map[string]any // the greeting first, then what each command returns
		if err := from.Decode(&answer); err != nil {
			return err
		}
	}
	return nil
}
