package vm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// starve stops and continues both machines at random moments, each on a clock of its own, as a
// host does that has too little CPU for them. What is off or just dying is left alone. The
// function it gives ends that: when it returns, both machines go on.
func (p *place) starve(random *rand.Rand) (end func()) {
	ctx, stop := context.WithCancel(context.Background())
	var both sync.WaitGroup
	for _, host := range []string{"db1", "db2"} {
		draws := rand.New(rand.NewPCG(random.Uint64(), 0))
		between := func(least, most float64) time.Duration {
			return time.Duration((least + (most-least)*draws.Float64()) * float64(time.Second))
		}
		rest := func(d time.Duration) {
			select {
			case <-ctx.Done():
			case <-time.After(d):
			}
		}
		both.Go(func() {
			for ctx.Err() == nil {
				rest(between(0.2, 2))
				_ = p.command(context.Background(), "lab", "pause", host).Run()
				rest(between(0.2, 2))
				_ = p.command(context.Background(), "lab", "resume", host).Run()
			}
		})
	}
	return sync.OnceFunc(func() {
		stop()
		both.Wait()
	})
}

// TestStarvedOfCPU builds the cluster and takes the power of its active machine, again and again,
// while both machines are starved of CPU. No round may need a hand: `haprov up` alone brings both
// sides together again, and no acknowledged row is lost. $ROUNDS is how often (50; one in three is a
// first build, the others are failovers), $SEED repeats a run's draws.
func TestStarvedOfCPU(t *testing.T) {
	suite(t, "starve")
	rounds := number(t, "ROUNDS", 50)
	seed := number(t, "SEED", int(time.Now().UnixNano()%1_000_000))
	t.Logf("%d rounds, SEED=%d", rounds, seed)
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	c := &two{place: newPlace(t)}
	c.starved(t, random, rounds)
}

func (c *two) starved(t *testing.T, random *rand.Rand, rounds int) {
	for n := 1; n <= rounds; n++ {
		if n%3 == 1 {
			c.step(t, fmt.Sprintf("round %d, a first build", n), func(t *testing.T) { c.built(t, random, n > 1) })
		} else {
			c.step(t, fmt.Sprintf("round %d, a failover", n), func(t *testing.T) { c.failedOver(t, random) })
		}
		if n == 1 {
			c.step(t, "the command that connects DRBD takes 7 s", c.slowConnect)
		}
	}
}

// slowConnect holds up the command by which drbdadm connects, as a busy machine does. With the time
// that the recipe gives it, Pacemaker brings the volume up alone. With the 5 s that are drbdadm's
// own, it is killed and the side stays alone, of which up must make two sides again.
func (c *two) slowConnect(t *testing.T) {
	const slow = `set -e; real=/lib/drbd/drbdsetup-84; [ -e $real.real ] || cp $real $real.real
		printf '#!/bin/sh\n[ "$1" != connect ] || sleep 7\nexec %s.real "$@"\n' $real >$real.new; chmod 755 $real.new; mv $real.new $real`
	_, standby := c.sides()
	state := func(want string) func() bool {
		return func() bool {
			return c.command(t.Context(), "ssh", standby, "--", "grep -q 'cs:"+want+" ' /proc/drbd").Run() == nil
		}
	}
	c.run(time.Minute, "ssh", standby, "--", slow)
	c.run(time.Minute, "ssh", standby, "--", "drbdadm down mysql")
	until(t, "Pacemaker has connected the volume", 3*time.Minute, state("Connected"))
	c.healthy()

	c.run(time.Minute, "ssh", standby, "--", "sed -i 's/^global {.*/global {/' /etc/drbd.d/global_common.conf; drbdadm down mysql")
	until(t, "the standby stays alone", 3*time.Minute, state("StandAlone"))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	out, err := c.command(ctx, "up", "--yes").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "connect again: "+standby+" has no change that the other side lacks") {
		t.Errorf("up: %v\n%s", err, tail(string(out)))
	}
	c.run(time.Minute, "ssh", standby, "--", "mv /lib/drbd/drbdsetup-84.real /lib/drbd/drbdsetup-84")
	c.healthy()
}

// built takes two machines without a cluster to a healthy one.
func (c *two) built(t *testing.T, random *rand.Rand, again bool) {
	if again {
		c.wipe(t)
	}
	end := c.starve(random)
	defer end()
	took, runs := c.unaided(t)
	end()
	c.healthy()
	c.dropped(t)
	t.Logf("built in %.0f s, %d runs of up", took.Seconds(), runs)
}

// unaided runs up until it succeeds. A run may end with a wait that took too long on starved
// machines; the same command again is all that a user may need.
func (c *two) unaided(t *testing.T) (took time.Duration, runs int) {
	const enough = 3
	began := time.Now()
	for runs = 1; ; runs++ {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
		out, err := c.command(ctx, "up", "--yes").CombinedOutput()
		cancel()
		if strings.Contains(string(out), "connect again") {
			t.Logf("run %d of up connected the two sides again\n%s", runs, tail(string(out)))
		}
		if err == nil {
			return time.Since(began), runs
		}
		t.Logf("run %d of up: %v\n%s", runs, err, tail(string(out)))
		if strings.Contains(string(out), "discard-my-data") || runs == enough {
			t.Fatalf("up does not get there by itself")
		}
	}
}

// dropped shows why DRBD refused a connection in this boot of a machine, if it did: a figure, not a
// fault.
func (c *two) dropped(t *testing.T) {
	const said = `dmesg | grep -E 'drbd mysql.*(Split-Brain|Unrelated|I shall become|Aborting|Authentication of|expected |conn\( WFReportParams -> (Disconnecting|ProtocolError) \))'`
	for _, h := range []string{"db1", "db2"} {
		if out, _ := c.command(t.Context(), "ssh", h, "--", said).Output(); len(out) > 0 {
			t.Logf("%s refused connections:\n%s", h, tail(string(out)))
		}
	}
}

// wipe makes of both machines what they were before the first build, but for the packages: no
// configuration of DRBD, Corosync and Pacemaker, and blank disks. So a build costs a minute less.
// It is the power cut that stops the cluster: what is removed is not written again after it.
func (c *two) wipe(t *testing.T) {
	hosts := []string{"db1", "db2"}
	each := func(do func(host string)) {
		var all sync.WaitGroup
		for _, h := range hosts {
			all.Go(func() { do(h) })
		}
		all.Wait()
	}
	each(func(h string) {
		c.tried(t, "ssh", h, "--", "systemctl disable -q corosync pacemaker; rm -f /etc/drbd.d/*.res /etc/corosync/corosync.conf /etc/corosync/authkey; rm -rf /var/lib/corosync/* /var/lib/pacemaker/cib/*; sync")
	})
	each(func(h string) { c.tried(t, "lab", "power-off", h) })
	each(func(h string) { c.tried(t, "lab", "power-on", h) })
	const blank = `d=/dev/disk/by-haprov/data; [ ! -e /proc/drbd ] || ! grep -q '^ *0:' /proc/drbd || exit 1
		wipefs -q -a $d; m=$(($(blockdev --getsize64 $d) / 1048576)); dd if=/dev/zero of=$d bs=1M count=8 && dd if=/dev/zero of=$d bs=1M count=8 seek=$((m-8)) && sync`
	each(func(h string) {
		until(t, h+" has booted, and its disk is blank", 2*time.Minute, func() bool { return c.command(t.Context(), "ssh", h, "--", blank).Run() == nil })
	})
}

// tried is run from a goroutine, which must not end the test.
func (c *two) tried(t *testing.T, args ...string) {
	if out, err := c.command(t.Context(), args...).CombinedOutput(); err != nil {
		t.Errorf("haprov %s: %v\n%s", strings.Join(args, " "), err, tail(string(out)))
	}
}

// failedOver takes the active machine's power while somebody writes, gives it back once the other
// one serves, and lets up bring the two together.
func (c *two) failedOver(t *testing.T, random *rand.Rand) {
	db := c.endpoint(t)
	takes(t, db, "CREATE TABLE IF NOT EXISTS rows_written (id INT PRIMARY KEY)")
	active, _ := c.sides()
	w := write(t, db, c.next)
	c.next += 1_000_000
	begin := time.Now()
	until(t, "the writer has begun", time.Minute, func() bool { return w.since(begin) })
	end := c.starve(random)
	defer end()
	time.Sleep(time.Duration(random.Float64() * float64(4*time.Second))) // a draw, not a wait
	hit := time.Now()
	c.run(time.Minute, "lab", "power-off", active)
	off := time.Now()
	until(t, "rows are acknowledged again", 8*time.Minute, func() bool { return w.since(off.Add(4 * time.Second)) })
	back := time.Since(hit)
	c.run(time.Minute, "lab", "power-on", active)
	took, runs := c.unaided(t)
	end()
	c.healthy()
	c.dropped(t)
	acked, lost, gap := w.end(t)
	t.Logf("%s lost power: rows again %.0f s later, longest time without service %.0f s; up took %.0f s in %d runs; %d rows acknowledged, %d lost", active, back.Seconds(), gap.Seconds(), took.Seconds(), runs, acked, lost)
	if lost != 0 {
		t.Errorf("%d acknowledged rows are lost", lost)
	}
}
