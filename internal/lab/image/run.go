package image

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// run runs a program to its end, in a process group of its own, that an interrupt of ours does
// not reach and that ends as a whole with ctx. each is told every line of its output, may be nil.
// The error of a program that failed carries the last lines.
func run(ctx context.Context, cmd *exec.Cmd, each func(line string)) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd.Stdout, cmd.Stderr = w, w
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() {
		// mmdebstrap unmounts and removes its folder on the gentle one.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		time.AfterFunc(10*time.Second, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	})
	defer stop()
	var last []string
	for lines := bufio.NewScanner(r); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		if each != nil {
			each(line)
		}
		last = append(last, line)
		if len(last) > 12 {
			last = last[1:]
		}
	}
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%s: %w:\n%s", cmd.Args[0], err, strings.Join(last, "\n"))
	}
	return nil
}

// environment is this process's own, with the folders of system programs in PATH and, when dir
// is given, its temporary files there.
func environment(dir string, more ...string) []string {
	env := append(os.Environ(), "PATH="+os.Getenv("PATH")+":"+strings.Join(sbin, ":"), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	if dir != "" {
		env = append(env, "TMPDIR="+dir)
	}
	return append(env, more...)
}
