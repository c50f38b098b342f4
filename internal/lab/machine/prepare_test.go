package machine

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestThePowerButtonIsPressedAsQEMUWantsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "qmp")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	heard := make(chan []string, 1)
	go func() {
		var all []string
		defer func() { heard <- all }()
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		from := json.NewDecoder(c)
		for _, answer := range []string{`{"QMP": {"version": {}, "capabilities": []}}`, `{"return": {}}`, `{"return": {}}`} {
			if _, err := c.Write([]byte(answer + "\r\n")); err != nil {
				return
			}
			var said struct{ Execute string }
			if from.Decode(&said) != nil {
				return
			}
			all = append(all, said.Execute)
		}
	}()
	if err := button(path); err != nil {
		t.Error(err)
	}
	if got := strings.Join(<-heard, " "); got != "qmp_capabilities system_powerdown" {
		t.Errorf("QEMU heard %q", got)
	}
	if err := button(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("nobody heard it")
	}
}

func TestWhatADiskLacksToBecomeALabsMachineIsTold(t *testing.T) {
	ended, runs := make(chan struct{}), make(chan struct{})
	close(ended)
	late, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, x := range []struct {
		name  string
		ctx   context.Context
		done  chan struct{}
		heard bool
		want  string // "": no error
	}{
		{"prepared", t.Context(), ended, true, ""},
		{"an older systemd", t.Context(), ended, false, "needs systemd 252 or later"},
		{"nobody hears the button", late, runs, true, "needs systemd-logind"},
		{"no boot", late, runs, false, "did not boot in time, by BIOS"},
		{"interrupted", stopped, runs, false, "context canceled"},
	} {
		err := pressed(x.ctx, x.done, "/nowhere", func() (bool, string) { return x.heard, "last words" })
		if (err == nil) != (x.want == "") || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v", x.name, err)
		}
	}
}

// TestKVMIsTriedWithAnImageThatBootsByItself: that it could be prepared, perhaps by emulation, says
// nothing of KVM here. A program in QEMU's place says what a machine would.
func TestKVMIsTriedWithAnImageThatBootsByItself(t *testing.T) {
	if f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0); err != nil {
		t.Skip("no /dev/kvm here: KVM is refused before any trial")
	} else {
		f.Close()
	}
	dir := t.TempDir()
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	qemu := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	d := QEMU{KVM: true, Root: "/images/x/root.qcow2"}
	qemu(`case "$*" in *file=/images/x/root.qcow2,*snapshot=on*) echo "` + Booted + `"; exec sleep 60 ;; esac`)
	if err := d.Works(t.Context()); err != nil {
		t.Error(err)
	}
	qemu("echo SeaBIOS; exit 1")
	if err := d.Works(t.Context()); err == nil || !strings.Contains(err.Error(), "SeaBIOS") {
		t.Errorf("a machine that ended: %v", err)
	}
	if err := (QEMU{Root: d.Root}).Works(t.Context()); err != nil {
		t.Errorf("emulation: %v", err)
	}
}
