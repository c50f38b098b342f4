package lab

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// A fault's end is certain before the fault begins: at its lease's end all of it is taken back, though
// nobody is left who asked for it; and nobody else's fault is.
func TestALeasesFaultsHealByThemselves(t *testing.T) {
	t.Setenv("HAPROV_STATE", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, _, err := supervisedUp(t, spec())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Destroy(context.WithoutCancel(ctx)) })
	undo := []Undo{{Action: "mend", From: "db1", To: "db2"}, {Action: "power-on", Host: "db2"}, {Action: "resume", Host: "db1"}, {Action: "obey", Host: "db1"}}
	if err := errors.Join(
		c.Delay(ctx, "db1", "gateway", "", false, 20*time.Millisecond), // somebody else's
		c.Arm(ctx, "drill-1", 300*time.Millisecond, undo),
		c.Cut(ctx, "db1", "db2", "", false),
		c.PowerOffAll(ctx, []string{"db2"}),
		c.Pause(ctx, "db1"),
	); err != nil {
		t.Fatal(err)
	}
	for {
		now, err := c.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(now.Leases) == 0 {
			if now.Machines[0].State != Running || now.Machines[1].State != Running || len(now.Faults) != 4 { // on two networks, each way
				t.Errorf("after the lease: %+v", now)
			}
			return
		}
		if now.Leases[0].ID != "drill-1" {
			t.Fatalf("%+v", now.Leases)
		}
	}
}

func TestALeaseIsReleasedOnceAndMayBeReleasedAgain(t *testing.T) {
	s, _ := small(t)
	if err := s.arm(order{ID: "d", Lease: time.Hour, Undo: []Undo{{Action: "power-on", Host: "db2"}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.powerOffAll(t.Context(), []string{"db2"}); err != nil || s.status().Machines[1].State != OffByUser {
		t.Fatal(s.status(), err)
	}
	for range 2 {
		if err := s.release(t.Context(), "d"); err != nil {
			t.Fatal(err)
		}
	}
	if now := s.status(); now.Machines[1].State != Running || len(now.Leases) != 0 {
		t.Error(now)
	}
	for _, bad := range []order{{ID: "", Lease: time.Hour}, {ID: "x"}, {ID: "x", Lease: 24 * time.Hour}, {ID: "x", Lease: time.Hour, Undo: []Undo{{Action: "format", Host: "db1"}}},
		{ID: "x", Lease: time.Hour, Undo: []Undo{{Action: "power-on", Host: "db9"}}}} {
		if s.arm(bad) == nil {
			t.Errorf("armed: %+v", bad)
		}
	}
}

// A device that refuses kills nobody and says so; the peers hear of it.
func TestAFenceDeviceThatRefusesKillsNobody(t *testing.T) {
	s, _ := small(t)
	s.refuse("db2", true)
	if _, err := s.ask(t, s.tokenOf("db1"), "reboot db2"); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("%v", err)
	}
	if !s.alive(s.unit("db2")) {
		t.Error("it was killed")
	}
	s.refuse("db2", false)
	if _, err := s.ask(t, s.tokenOf("db1"), "reboot db2"); err != nil {
		t.Error(err)
	}
}

func TestABlipStartsTheMachineAgain(t *testing.T) {
	s, d := small(t)
	before := s.tokenOf("db1")
	if err := s.powerCycle(t.Context(), s.unit("db1")); err != nil {
		t.Fatal(err)
	}
	if !s.alive(s.unit("db1")) || s.tokenOf("db1") == before || len(d.starts) != 3 {
		t.Errorf("%v %v", s.status(), d.starts)
	}
}
