package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"haprov/internal/inventory"
	"haprov/internal/lab/image"
	"haprov/internal/lab/machine"
)

// choose takes the driver the spec names, or the first of inventory.Drivers that really boots here.
// What booted once for an image is believed the next time. Machines that were made before keep
// their image, and so a driver of its kernel.
func choose(ctx context.Context, spec Spec, before *choice, report func(Event)) (choice, error) {
	cache, err := image.CacheDir()
	if err != nil {
		return choice{}, err
	}
	auto := spec.Driver == "" || spec.Driver == "auto"
	var names []string
	for _, d := range inventory.Drivers {
		fits := before == nil || d.Kernel == inventory.DriverOf(before.Driver).Kernel
		fits = fits && (d.Kernel == string(image.Stock) || !inventory.IsImageFile(spec.Image))
		if fits && (auto && !d.Asked || d.Name == spec.Driver) {
			names = append(names, d.Name)
		}
	}
	var refused []error
	for _, name := range names {
		var err error
		if auto && name == "kvm" {
			err = promising(ctx, cache)
		}
		var c choice
		if err == nil {
			c, err = try(ctx, name, spec, before, cache, report)
		}
		if err == nil {
			report(Event{Kind: "driver", Action: "chosen", OK: true, Text: "driver " + name})
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

// Lacks is an error of Up: a driver cannot be tried before Debian packages are installed here.
// The caller may install them and call Up again.
type Lacks struct {
	Driver   string
	Packages []string
}

func (e *Lacks) Error() string {
	return "this machine lacks packages, install them first: apt-get install " + strings.Join(e.Packages, " ")
}

// promising says why KVM is not worth an image of its own and a trial: it cannot be had, or its
// trial failed before under the same kernel. Naming the driver in the inventory tries it again.
func promising(ctx context.Context, cache string) error {
	if why, err := os.ReadFile(unfit(cache)); err == nil {
		return fmt.Errorf("as tried before (driver = \"kvm\" tries again): %s", strings.TrimSpace(string(why)))
	}
	return machine.KVM(ctx)
}

// unfit is where the reason is kept for which a kernel does not boot under KVM here.
func unfit(cache string) string { return filepath.Join(cache, "works", "not-kvm-"+running()) }

func try(ctx context.Context, name string, spec Spec, before *choice, cache string, report func(Event)) (choice, error) {
	if missing := image.Needs(name); len(missing) > 0 {
		return choice{}, &Lacks{name, missing}
	}
	c := choice{Driver: name}
	if before != nil {
		c = *before
		c.Driver = name
	} else {
		img, err := obtain(ctx, name, spec, cache, report)
		if err != nil {
			return choice{}, err
		}
		c.Image, c.Root, c.Format, c.Kernel, c.Initrd = img.Digest, img.Root, img.Format, img.Kernel, img.Initrd
	}
	// libvirt starts both: KVM where this machine's own trial of it does not speak against it.
	c.KVM = name == "libvirt" && promising(ctx, cache) == nil
	d, err := c.open()
	if err != nil {
		return choice{}, err
	}
	// The name holds machine and kernel, so that another kernel under us is tried anew.
	mark := filepath.Join(cache, "works", name+"-"+c.Image+"-"+running())
	if _, err := os.Stat(mark); err == nil {
		return c, nil
	}
	t := time.Now()
	err = d.Works(ctx)
	if err != nil && c.KVM && ctx.Err() == nil {
		note(unfit(cache), err.Error())
		c.KVM = false
		if d, err = c.open(); err == nil {
			err = d.Works(ctx)
		}
	}
	if err != nil {
		if name == "kvm" && ctx.Err() == nil {
			note(unfit(cache), err.Error())
		}
		return choice{}, err
	}
	report(Event{Kind: "driver", Action: "tried", OK: true, Text: name + " boots", Seconds: time.Since(t).Seconds()})
	note(mark, "")
	if name == "kvm" {
		_ = os.Remove(unfit(cache)) // what was found before is over
	}
	return c, nil
}

// obtain makes sure of the image that the spec names, for a driver.
func obtain(ctx context.Context, driver string, spec Spec, cache string, report func(Event)) (image.Image, error) {
	progress := func(line string) { report(Event{Kind: "image", Action: "image", OK: true, Text: line}) }
	if inventory.IsImageFile(spec.Image) {
		kvm := driver == "kvm" || driver == "libvirt" && promising(ctx, cache) == nil
		return image.FromFile(ctx, spec.Image, kvm, cache, progress)
	}
	def, err := image.Define(spec.Image, image.Kernel(inventory.DriverOf(driver).Kernel), spec.Packages)
	if err != nil {
		return image.Image{}, err
	}
	return image.Build(ctx, def, cache, progress)
}

// note keeps what a trial showed; where it cannot be written, the trial is made again.
func note(path, text string) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
		_ = os.WriteFile(path, []byte(text+"\n"), 0o600)
	}
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
	case "libvirt":
		return machine.Libvirt{KVM: c.KVM, Kernel: c.Kernel, Initrd: c.Initrd, Root: c.Root}, nil
	case "kvm", "tcg":
		return machine.QEMU{KVM: c.Driver == "kvm", Kernel: c.Kernel, Initrd: c.Initrd, Root: c.Root}, nil
	}
	return nil, fmt.Errorf("unknown driver %q: expected uml, kvm, tcg or libvirt", c.Driver)
}
