package image

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestManyWhoWantTheSameBuildItOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "images", "x")
	var built atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			err := once(context.Background(), dir, func(temp string) error {
				built.Add(1)
				return os.WriteFile(filepath.Join(temp, "whole"), nil, 0o644)
			})
			if err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(dir, "whole")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if built.Load() != 1 {
		t.Errorf("built %d times", built.Load())
	}
}

func TestWhatWasLeftHalfBuiltIsNeverUsed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x")
	fault := errors.New("power cut")
	if err := once(context.Background(), dir, func(string) error { return fault }); !errors.Is(err, fault) {
		t.Fatal(err)
	}
	// As a killed builder leaves it.
	if err := os.MkdirAll(filepath.Join(dir+".part", "old"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := once(context.Background(), dir, func(string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "old")); err == nil {
		t.Error("the remains of a build are in the result")
	}
}

func TestWaitingForAnotherBuilderEndsWithTheContext(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x")
	unlock, err := lock(context.Background(), dir+".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := once(ctx, dir, func(string) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestEverythingThatShapesAnImageChangesItsDigest(t *testing.T) {
	digest := func(kernel string, change func(*Definition)) string {
		d, err := Define("debian-12", UML, []string{"nginx", "wget"})
		if err != nil {
			t.Fatal(err)
		}
		change(&d)
		s, err := d.digest(kernel)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	base := digest("7.2", func(*Definition) {})
	if base != digest("7.2", func(*Definition) {}) {
		t.Error("the same definition, two digests")
	}
	for name, other := range map[string]string{
		"kernel":   digest("7.3", func(*Definition) {}),
		"suite":    digest("7.2", func(d *Definition) { d.Suite = "trixie" }),
		"packages": digest("7.2", func(d *Definition) { d.Packages = d.Packages[1:] }),
		"size":     digest("7.2", func(d *Definition) { d.Size = "8G" }),
	} {
		if other == base {
			t.Errorf("%s is not in the digest", name)
		}
	}
}

func TestAnImageIsTheSameForTheSamePackages(t *testing.T) {
	a, err := Define("debian-12", UML, []string{"wget", "nginx", "wget"})
	b, err2 := Define("debian-12", UML, []string{"nginx", "wget"})
	if err != nil || err2 != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("%v %v: %v and %v", err, err2, a.Packages, b.Packages)
	}
	for name, suite := range map[string]string{"debian-12": "bookworm", "debian-13": "trixie", "debian-sid": "sid"} {
		if d, err := Define(name, UML, nil); err != nil || d.Suite != suite {
			t.Errorf("%s: %v %v", name, d.Suite, err)
		}
	}
	if _, err := Define("debian-1", UML, nil); err == nil {
		t.Error("an image that there is not")
	}
}

func TestWhatABuildDownloadedIsThereForTheNext(t *testing.T) {
	dir := t.TempDir()
	cache, first, next := filepath.Join(dir, "debs"), filepath.Join(dir, "first"), filepath.Join(dir, "next")
	if err := lend(t.Context(), cache, first); err != nil {
		t.Fatal(err)
	}
	const deb = "nginx_1%3a1.22_amd64.deb"
	if err := os.WriteFile(filepath.Join(first, deb), []byte("deb"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(keep(t.Context(), first, cache), lend(t.Context(), cache, next)); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(next, deb)); err != nil || string(text) != "deb" {
		t.Errorf("%q %v", text, err)
	}
}
