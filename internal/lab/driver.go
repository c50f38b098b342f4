package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"haprov/internal/lab/image"
	"haprov/internal/lab/machine"
)

// choose takes the driver the spec names, or the fastest that really boots here: kvm, uml, tcg.
// What booted once for an image is believed the next time.
func choose(ctx context.Context, spec Spec, report func(Event)) (choice, error) {
	names := []string{spec.Driver}
	if spec.Driver == "" || spec.Driver == "auto" {
		names = candidates()
	}
	cache, err := image.CacheDir()
	if err != nil {
		return choice{}, err
	}
	var refused []error
	for _, name := range names {
		c, err := try(ctx, name, cache, report)
		if err == nil {
			report(Event{Kind: "driver", Action: "chosen", OK: true, Text: "machines run on " + name})
			return c, nil
		}
		if ctx.Err() != nil {
			return choice{}, ctx.Err()
		}
		refused = append(refused, fmt.Errorf("%s: %w", name, err))
		report(Event{Kind: "driver", Action: "refused", Text: name + ": " + err.Error()})
	}
	return choice{}, fmt.Errorf("no driver boots a machine here: %w", errors.Join(refused...))
}

// candidates are the drivers worth a trial. KVM's needs QEMU and an image of its own, so it is
// tried only where QEMU is installed and the device opens.
func candidates() []string {
	list := []string{"uml", "tcg"}
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		return list
	}
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return list
	}
	f.Close()
	return append([]string{"kvm"}, list...)
}

func try(ctx context.Context, name, cache string, report func(Event)) (choice, error) {
	kernel := image.Stock
	if name == "uml" {
		kernel = image.UML
	}
	if missing := image.Needs(name); len(missing) > 0 {
		return choice{}, fmt.Errorf("this machine lacks packages, install them first: apt-get install %s", strings.Join(missing, " "))
	}
	img, err := image.Build(ctx, image.Default(kernel), cache, func(line string) {
		report(Event{Kind: "image", Action: "image", OK: true, Text: line})
	})
	if err != nil {
		return choice{}, err
	}
	c := choice{Driver: name, Image: img.Digest, Root: img.Root, Kernel: img.Kernel, Initrd: img.Initrd}
	d, err := c.open()
	if err != nil {
		return choice{}, err
	}
	// The name holds machine and kernel, so that another kernel under us is tried anew.
	mark := filepath.Join(cache, "works", name+"-"+img.Digest+"-"+running())
	if _, err := os.Stat(mark); err == nil {
		return c, nil
	}
	t := time.Now()
	if err := d.Works(ctx); err != nil {
		return choice{}, err
	}
	report(Event{Kind: "driver", Action: "tried", OK: true, Text: name + " boots", Seconds: time.Since(t).Seconds()})
	if err := os.MkdirAll(filepath.Dir(mark), 0o700); err == nil {
		_ = os.WriteFile(mark, nil, 0o600) // unwritten: the trial is made again
	}
	return c, nil
}

func running() string {
	b, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.Map(func(r rune) rune {
		if r == '/' || r < ' ' {
			return '_'
		}
		return r
	}, strings.TrimSpace(string(b)))
}

// open makes the driver that was chosen.
func (c choice) open() (machine.Driver, error) {
	switch c.Driver {
	case "uml":
		return machine.UML{Kernel: c.Kernel}, nil
	case "kvm", "tcg":
		return machine.QEMU{KVM: c.Driver == "kvm", Kernel: c.Kernel, Initrd: c.Initrd}, nil
	}
	return nil, fmt.Errorf("unknown driver %q: expected uml, kvm or tcg", c.Driver)
}
