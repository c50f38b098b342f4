package vm

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// undoing is what somebody does to a host, which its steps of test/stacks/hosts have to mend.
const undoing = `hostname other
echo other >/etc/hostname
sed -i /web7/d /etc/hosts
ln -sf /usr/share/zoneinfo/UTC /etc/localtime
apt-mark unhold cron >/dev/null
rm /etc/apt/sources.list.d/haprov-tests.sources
: >/home/courier/.ssh/authorized_keys
sed -i 's/PasswordAuthentication no/PasswordAuthentication yes/' /etc/ssh/sshd_config
systemctl -q disable --now greeting.timer
systemctl -q unmask apt-daily.timer
touch /etc/cron.d/e2scrub_all
rm /opt/tool/bin/run
umount /srv/small
lvchange -an data/small
`

// undone are the steps that it concerns, each once.
const undone = `package.held apt_repository.haprov-tests hostname.web7 hosts_entry.192.168.61.11 hosts_entry.fd00:61::11 timezone.Europe/Zurich authorized_key.vault block.courier timer.greeting service.apt-daily.timer absent./etc/cron.d/e2scrub_all archive./opt/tool logical_volume.small`

// TestHostKinds does with a real host what no shipped stack asks for: each of the host kinds, their
// second run, drift of every one, a reboot, and LVM that grows.
func TestHostKinds(t *testing.T) {
	suite(t, "stacks")
	p := stack(t, "hosts")
	p.comesUp()
	if out := p.run(time.Minute, "ssh", "h2", "--", "chronyc -n tracking"); !strings.Contains(out, "192.168.61.11") {
		t.Errorf("h2's clock follows: %s", out)
	}
	on := func(command string) string {
		t.Helper()
		return strings.TrimSpace(p.run(2*time.Minute, "ssh", "h1", "--", command))
	}
	for command, want := range map[string]string{
		"su courier -s /bin/sh -c /opt/tool/bin/tool":                                      "it runs",
		"systemctl start greeting.service; cat /run/greeting":                              `"$USER"`,
		"dpkg -s nano 2>/dev/null | grep -c '^Status:.* installed' || :":                   "0",
		"findmnt -n -o SOURCE /srv/small":                                                  "/dev/mapper/data-small",
		"lvs --noheadings --units m -o lv_size data/small":                                 "32.00m",
		"sshd -T -C user=courier,host=h,addr=10.0.0.1 | grep -i '^passwordauthentication'": "passwordauthentication no",
	} {
		if got := on(command); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}

	on(undoing)
	plan := p.run(time.Minute, "plan")
	for _, step := range strings.Fields(undone) {
		if !strings.Contains(plan, "h1:"+step+" ") && !strings.Contains(plan, "h1:"+step+"\n") {
			t.Errorf("the plan does not mend %s", step)
		}
	}
	if t.Failed() {
		t.Logf("the plan:\n%s", plan)
	}
	p.comesUp()

	// What was made is there after a reboot, and LVM takes up another disk.
	p.run(2*time.Minute, "lab", "power-off", "h1")
	p.run(2*time.Minute, "lab", "power-on", "h1")
	until(t, "h1 answers", 5*time.Minute, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		return p.command(ctx, "ssh", "h1", "--", "systemctl is-system-running --wait; mountpoint -q /srv/small").Run() == nil
	})
	// A lab gives its machines their name and /etc/hosts anew at each boot: the name, two lines, and the
	// running name.
	if s := p.up(3 * time.Minute); s.Changes > 4 || s.Failed != 0 {
		t.Errorf("after a reboot: %+v", s)
	}
	if s := p.up(3 * time.Minute); s.Changes != 0 || s.Failed != 0 {
		t.Errorf("after a reboot, again: %+v", s)
	}
	if on("nft list tables 2>/dev/null || :") != "" { // not every driver's kernel has a packet filter
		on("systemctl start nftables; systemctl restart nftables; nft list chain inet haprov_site input")
		p.takesRulesBack()
	}

	recipe, err := os.ReadFile("../stacks/hosts/recipes/hosts.hcl")
	if err != nil {
		t.Fatal(err)
	}
	p.write("recipes/hosts.hcl", strings.Replace(string(recipe), "disks = [each.host.disk.one.device]", "disks = [each.host.disk.one.device, each.host.disk.two.device]", 1))
	if s := p.up(3 * time.Minute); s.Changes != 2 || s.Failed != 0 {
		t.Errorf("with another disk: %+v", s)
	}
	if s := p.up(3 * time.Minute); s.Changes != 0 || s.Failed != 0 {
		t.Errorf("and again: %+v", s)
	}
	if got := on("lvs --noheadings --units m -o lv_size data/rest"); got != "88.00m" {
		t.Errorf("the rest of the group has %s", got)
	}
}

// takesRulesBack has h1 locked out by its packet filter: the run says so, and the host lets everybody in
// again by itself.
func (p *place) takesRulesBack() {
	p.t.Helper()
	const path = "recipes/hosts.hcl"
	recipe, err := os.ReadFile(filepath.Join(p.dir, path))
	if err != nil {
		p.t.Fatal(err)
	}
	p.write(path, strings.Replace(string(recipe), "tcp dport 22 accept", "tcp dport 2222 accept", 1))
	ctx, cancel := context.WithTimeout(p.t.Context(), scaled(3*time.Minute))
	defer cancel()
	if out, err := p.command(ctx, "up", "--yes").CombinedOutput(); err == nil || !strings.Contains(string(out), "no new login worked") {
		p.t.Errorf("locked out: %v\n%s", err, tail(string(out)))
	}
	p.write(path, string(recipe))
	until(p.t, "h1 lets us in again", 2*time.Minute, func() bool {
		ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
		defer cancel()
		return p.command(ctx, "ssh", "h1", "--", "nft list chain inet haprov_site input | grep -w 22").Run() == nil
	})
	if s := p.up(3 * time.Minute); s.Changes != 0 || s.Failed != 0 {
		p.t.Errorf("after the rules were taken back: %+v", s)
	}
}
