package lab

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// A machine without any tool: every driver says what it wants, and the caller is told the packages.
func TestEachDriverSaysWhyItIsNotUsed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("HAPROV_CACHE", t.TempDir())
	var said []string
	_, err := choose(t.Context(), Spec{Driver: "auto"}, nil, func(e Event) { said = append(said, e.Text) })
	var lacks *Lacks
	if !errors.As(err, &lacks) || !slices.Contains(lacks.Packages, "mmdebstrap") {
		t.Errorf("no packages are named: %v", err)
	}
	if len(said) != 3 || !strings.HasPrefix(said[0], "kvm: qemu-system-x86_64 is not installed") ||
		!strings.Contains(said[1], "patchelf") || !strings.Contains(said[2], "qemu-system-x86") {
		t.Errorf("reasons: %q", said)
	}
}

// TestAnImageFileIsForDriversThatBootItsOwnKernel: User-Mode Linux is not even tried.
func TestAnImageFileIsForDriversThatBootItsOwnKernel(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("HAPROV_CACHE", t.TempDir())
	var said []string
	_, err := choose(t.Context(), Spec{Driver: "auto", Image: "/boxes/debian.box"}, nil, func(e Event) { said = append(said, e.Text) })
	if err == nil || len(said) != 2 || !strings.HasPrefix(said[0], "kvm: ") || !strings.HasPrefix(said[1], "tcg: ") {
		t.Errorf("%v %q", err, said)
	}
}

func TestAKernelThatHungUnderKVMIsNotTriedAgainByItself(t *testing.T) {
	cache := t.TempDir()
	note(unfit(cache), "no \"Linux version\" on the console within 20s")
	if err := promising(t.Context(), cache); err == nil || !strings.Contains(err.Error(), "Linux version") {
		t.Errorf("%v", err)
	}
	if info, err := os.Stat(unfit(cache)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

func TestADamagedLabSaysWhatToRemove(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(place{dir}.spec(), []byte("{\"cut"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(dir); err == nil || !strings.Contains(err.Error(), "remove "+dir) {
		t.Errorf("%v", err)
	}
}
