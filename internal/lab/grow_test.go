package lab

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

func TestALabGainsMachinesAndLosesThoseThatAreOff(t *testing.T) {
	t.Setenv("HAPROV_STATE", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, _, err := supervisedUp(t, spec())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Destroy(context.WithoutCancel(ctx)) })
	first, _ := c.Status(ctx)

	three := spec()
	three.Hosts = append(three.Hosts, Host{Name: "db3", NICs: []NIC{{"cluster", "192.168.56.13"}}})
	c, events, err := supervisedUp(t, three)
	if err != nil || len(events) != 1 || events[0].Host != "db3" {
		t.Fatalf("gain: %+v, %v", events, err)
	}
	now, _ := c.Status(ctx)
	if len(now.Machines) != 3 || now.Machines[2].State != Running || now.Machines[0].PID != first.Machines[0].PID {
		t.Fatalf("gain: %+v", now)
	}

	if _, _, err := supervisedUp(t, spec()); err == nil || !strings.Contains(err.Error(), "haprov lab power-off db3") {
		t.Fatalf("losing a machine that runs: %v", err)
	}
	if err := c.PowerOff(ctx, "db3"); err != nil {
		t.Fatal(err)
	}
	if c, _, err = supervisedUp(t, spec()); err != nil {
		t.Fatal(err)
	}
	if now, _ := c.Status(ctx); len(now.Machines) != 2 {
		t.Fatalf("loss: %+v", now)
	}

	if c, _, err = supervisedUp(t, three); err != nil {
		t.Fatal(err)
	}
	if now, _ := c.Status(ctx); len(now.Machines) != 3 || now.Machines[2].State != OffByUser {
		t.Fatalf("back again: %+v", now)
	}
	moved := three
	moved.Hosts = append([]Host(nil), three.Hosts...)
	moved.Hosts[2].NICs = []NIC{{"cluster", "192.168.56.14"}}
	if _, _, err := supervisedUp(t, moved); err == nil || !strings.Contains(err.Error(), "db3 exists with other") {
		t.Fatalf("another address: %v", err)
	}
}

func TestADiskGrowsWhileItsMachineIsOff(t *testing.T) {
	t.Setenv("HAPROV_STATE", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	sized := func(bytes int64) Spec {
		s := spec()
		s.Hosts[1].Disks = []Disk{{"data", bytes}}
		return s
	}
	c, _, err := supervisedUp(t, sized(1<<30))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Destroy(context.WithoutCancel(ctx)) })
	dir, err := Dir("t")
	if err != nil {
		t.Fatal(err)
	}
	is := func(want int64) {
		t.Helper()
		f, err := os.Stat(place{dir}.disk("db2", "data"))
		if err != nil || f.Size() != want {
			t.Errorf("%v %v, want %d", f, err, want)
		}
	}
	if _, _, err := supervisedUp(t, sized(2<<30)); err == nil || !strings.Contains(err.Error(), "db2 has a larger disk in the inventory than it runs with: haprov lab halt") {
		t.Fatalf("while it runs: %v", err)
	}
	is(1 << 30)
	if err := c.PowerOff(ctx, "db2"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := supervisedUp(t, sized(1<<29)); err == nil || !strings.Contains(err.Error(), "db2 exists with other disks") {
		t.Fatalf("a smaller one: %v", err)
	}
	is(1 << 30)
	if c, _, err = supervisedUp(t, sized(2<<30)); err != nil {
		t.Fatal(err)
	}
	is(2 << 30)
}
