package host

import (
	"regexp"
	"strings"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
	"haprov/internal/shell"
)

var KernelModuleSpec = kind.Spec{
	Name:    "kernel_module",
	Summary: "A kernel module that is loaded, now and after a reboot.",
	Example: `kernel_module "drbd" {}
`,
	New: func() any { return &KernelModule{} },
}

// KernelModule is a kernel module. One that is built into the kernel is there already.
type KernelModule struct {
	Name string `hcl:"name,label" about:"Name of the module"`
}

// Owns is the file that has the module loaded at boot.
func (k *KernelModule) Owns(_ string) []kind.Thing {
	return kind.Paths(k.file().Path)
}

// Check finds names that no module can have.
func (k *KernelModule) Check() []kind.Problem {
	var ps kind.Problems
	ps.Name("name", k.Name, kind.ModuleName, "module name")
	return ps
}

func (k *KernelModule) file() *File {
	return &File{
		Path: "/etc/modules-load.d/haprov-" + k.Name + ".conf", Content: secret.Plain(k.Name + "\n"),
		Owner: "root", Group: "root", Mode: "0644",
	}
}

// builtin looks for the module in the kernel itself; not all of those stand under /sys/module.
func (k *KernelModule) builtin() probe.Query {
	name := strings.NewReplacer("-", "[-_]", "_", "[-_]").Replace(regexp.QuoteMeta(k.Name))
	return probe.Cmd("module "+k.Name+" built in", "grep -q "+shell.Quote("/"+name+`\.ko`)+` "/lib/modules/$(uname -r)/modules.builtin"`,
		probe.Of(probe.Module, k.Name))
}

// Probe asks whether it is loaded and kept; then, when it is not loaded, whether it is built in.
func (k *KernelModule) Probe(seen probe.Seen) []probe.Query {
	qs := []probe.Query{{Kind: probe.Module, Name: k.Name}, kind.FileQuery(k.file().Path)}
	if loaded, ok := seen.Loaded(k.Name); ok && !loaded {
		qs = append(qs, k.builtin())
	}
	return kind.Unread(seen, qs...)
}

// Decide loads the module and has it loaded at boot.
func (k *KernelModule) Decide(seen probe.Seen) (plan.Change, error) {
	loaded, ok := seen.Loaded(k.Name)
	if !ok {
		return kind.Unknown("module " + k.Name), nil
	}
	if !loaded {
		b := seen.Get(k.builtin())
		if b.State != probe.Answered {
			return kind.Unknown("module " + k.Name), nil
		}
		loaded = b.Exit == 0
	}
	c, err := kept(k.file(), seen)
	if err != nil || c.Later != "" || loaded {
		return c, err
	}
	c.Diffs = append([]plan.Diff{{Attribute: "loaded", Have: "no", Want: "yes"}}, c.Diffs...)
	// Loading first: a module that does not exist is not left to fail at every boot. It may bring
	// settings, devices and files with it, hence everything is asked again.
	c.Actions = append([]act.Action{{
		Title:   "load module " + k.Name,
		Shell:   shell.Join("modprobe", "--", k.Name),
		Touches: []probe.Subject{probe.All},
	}}, c.Actions...)
	return c, nil
}
