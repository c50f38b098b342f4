package lab

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// holds is what a file of the lab begins with.
func (c *Client) holds(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(c.place.at(name))
	if errors.Is(err, os.ErrNotExist) {
		return "nothing"
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 8)
	n, _ := f.Read(b)
	return strings.TrimRight(string(b[:n]), "\x00")
}

func (c *Client) put(t *testing.T, name, text string) {
	t.Helper()
	f, err := os.OpenFile(c.place.at(name), os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func runningLab(t *testing.T) (context.Context, *Client) {
	t.Helper()
	t.Setenv("HAPROV_STATE", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	c, _, err := supervisedUp(t, spec())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Destroy(context.WithoutCancel(ctx)) })
	return ctx, c
}

func TestASnapshotGivesAllDisksBack(t *testing.T) {
	ctx, c := runningLab(t)
	c.put(t, "m/db1/root.cow", "before")
	c.put(t, "disks/db1-data.raw", "before")
	if err := c.PowerOff(ctx, "db2"); err != nil {
		t.Fatal(err)
	}
	first, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.SaveSnapshot(ctx, "ready")
	if err != nil || !s.Live || !slices.Equal(s.Off, []string{"db2"}) || s.Bytes == 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	if now, err := c.Status(ctx); err != nil || now.Machines[0].PID != first.Machines[0].PID || now.Machines[0].State != Running {
		t.Fatalf("a snapshot disturbs what runs: %+v, %v", now, err)
	}
	if _, err := c.SaveSnapshot(ctx, "ready"); err == nil || !strings.Contains(err.Error(), "already") {
		t.Fatalf("a second one of that name: %v", err)
	}
	c.put(t, "m/db1/root.cow", "after!")
	c.put(t, "m/db2/root.cow", "after!") // its first start came later
	c.put(t, "disks/db1-data.raw", "after!")
	if err := c.PowerOn(ctx, "db2"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RestoreSnapshot(ctx, "ready"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"m/db1/root.cow": "before", "m/db2/root.cow": "nothing", "disks/db1-data.raw": "before", "disks/db2-data.raw": ""} {
		if got := c.holds(t, name); got != want {
			t.Errorf("%s holds %q, expected %q", name, got, want)
		}
	}
	now, err := c.Status(ctx)
	if err != nil || now.Running || now.Machines[1].State != OffByUser {
		t.Errorf("after a restore nothing runs, and what was off is off: %+v, %v", now, err)
	}
	if _, _, err := supervisedUp(t, spec()); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(c.place.at("*", "*"+unborn)); len(left) > 0 {
		t.Errorf("left behind: %s", left)
	}
}

func TestASnapshotOfAHaltedLab(t *testing.T) {
	ctx, c := runningLab(t)
	if err := c.Halt(ctx); err != nil {
		t.Fatal(err)
	}
	if s, err := c.SaveSnapshot(ctx, "still"); err != nil || s.Live {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := c.RestoreSnapshot(ctx, "stil"); !errors.Is(err, ErrNoSnapshot) || !strings.Contains(err.Error(), "there is still") {
		t.Errorf("an unknown name: %v", err)
	}
	if _, err := c.RestoreSnapshot(ctx, "still"); err != nil {
		t.Error(err)
	}
	if err := c.RemoveSnapshot("still"); err != nil {
		t.Error(err)
	}
	if all, err := c.Snapshots(); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

// What is killed between two disks leaves disks of two moments: nothing starts on them, and the same
// restore is the way out.
func TestAnInterruptedRestoreIsToldAndRepeated(t *testing.T) {
	ctx, c := runningLab(t)
	c.put(t, "disks/db1-data.raw", "before")
	s, err := c.SaveSnapshot(ctx, "ready")
	if err != nil {
		t.Fatal(err)
	}
	c.put(t, "disks/db1-data.raw", "after!")
	if err := c.place.restore(s, func() error { return errors.New("killed") }); err == nil || c.holds(t, "disks/db1-data.raw") != "after!" {
		t.Fatalf("before the machines are off nothing has changed: %v", err)
	}
	if err := errors.Join(c.Halt(ctx), writeFile(c.place.restoring(), []byte("ready\n"))); err != nil {
		t.Fatal(err)
	}
	c.put(t, "disks/db1-data.raw"+unborn, "half")
	if _, _, err := supervisedUp(t, spec()); err == nil || !strings.Contains(err.Error(), "haprov lab snapshot restore ready") {
		t.Fatalf("up: %v", err)
	}
	if _, err := c.SaveSnapshot(ctx, "mixed"); err == nil {
		t.Error("disks of two moments were kept as one")
	}
	if _, err := c.RestoreSnapshot(ctx, "ready"); err != nil || c.holds(t, "disks/db1-data.raw") != "before" {
		t.Fatalf("again: %v", err)
	}
	if _, _, err := supervisedUp(t, spec()); err != nil {
		t.Fatal(err)
	}
}

func TestASnapshotOfOtherMachinesIsRefused(t *testing.T) {
	ctx, c := runningLab(t)
	if _, err := c.SaveSnapshot(ctx, "two"); err != nil {
		t.Fatal(err)
	}
	three := spec()
	three.Hosts = append(three.Hosts, Host{Name: "db3", NICs: []NIC{{"cluster", "192.168.56.13"}}})
	c, _, err := supervisedUp(t, three)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.RestoreSnapshot(ctx, "two"); err == nil || !strings.Contains(err.Error(), "other machines") {
		t.Errorf("%v", err)
	}
	if now, err := c.Status(ctx); err != nil || !now.Running {
		t.Errorf("a refusal changes nothing: %+v, %v", now, err)
	}
}

func TestARebuiltMachineHasNothingOfItsOld(t *testing.T) {
	ctx, c := runningLab(t)
	for _, x := range []struct{ only, root, data string }{{"", "nothing", ""}, {OnlyRoot, "nothing", "old"}, {OnlyDisks, "old", ""}} {
		c.put(t, "m/db2/root.cow", "old")
		c.put(t, "disks/db2-data.raw", "old")
		c.put(t, "disks/db1-data.raw", "other")
		old, err := os.ReadFile(c.place.hostKey("db2") + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.PowerOff(ctx, "db2"), c.Rebuild(ctx, "db2", x.only)); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"m/db2/root.cow": x.root, "disks/db2-data.raw": x.data, "disks/db1-data.raw": "other"} {
			if got := c.holds(t, name); got != want {
				t.Errorf("only %q: %s holds %q, expected %q", x.only, name, got, want)
			}
		}
		fresh, err := os.ReadFile(c.place.hostKey("db2") + ".pub")
		known, also := os.ReadFile(c.KnownHosts())
		if err = errors.Join(err, also); err != nil || (string(fresh) == string(old)) != (x.only == OnlyDisks) || !strings.Contains(string(known), strings.TrimSpace(string(fresh))) {
			t.Errorf("only %q: its host key is another machine's, or is not known: %v", x.only, err)
		}
		if now, err := c.Status(ctx); err != nil || now.Machines[1].State != Running {
			t.Errorf("%+v, %v", now, err)
		}
	}
	if err := c.Rebuild(ctx, "db2", "disk"); err == nil {
		t.Error("an unknown part")
	}
}
