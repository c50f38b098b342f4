package haprov

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"haprov/internal/kind"
	"haprov/internal/kind/backup"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

// backups is a place where the host's script of backups runs: folders and settings of its own, and
// programs that come before the real ones.
type backups struct {
	t                        *testing.T
	dir, mount, state, confd string
	restored                 string
}

func newBackups(t *testing.T, programs map[string]string) *backups {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "hb") // a socket's path is short, and the server's user may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	b := &backups{t: t, dir: dir, mount: dir + "/mount", state: dir + "/state", confd: dir + "/backup.conf", restored: dir + "/restored"}
	for _, d := range []string{b.mount, b.state, dir + "/bin", dir + "/cache"} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	text := rendered(t, "backup.conf.tmpl", map[string]any{"cluster": "shop", "mount": b.mount, "datadir": b.mount + "/data",
		"backup": map[string]any{"repository": dir + "/repository", "restore_in": b.restored, "keep_daily": 7, "keep_weekly": 4, "keep_monthly": 3}})
	b.write(b.confd, strings.Replace(text, "/etc/haprov/backup.password", dir+"/password", 1))
	b.write(dir+"/password", "correct horse\n")
	for name, text := range programs {
		b.program(name, text)
	}
	return b
}

func (b *backups) write(path, text string) {
	b.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *backups) program(name, text string) {
	b.t.Helper()
	b.write(b.dir+"/bin/"+name, "#!/bin/bash\n"+text+"\n")
	if err := os.Chmod(b.dir+"/bin/"+name, 0o755); err != nil {
		b.t.Fatal(err)
	}
}

// run gives what a command prints, on both streams.
func (b *backups) run(name string, args ...string) (string, error) {
	c := exec.Command("env", append([]string{name}, args...)...) // env looks in the PATH below
	c.Env = append(os.Environ(), "PATH="+b.dir+"/bin:"+os.Getenv("PATH"), "HAPROV_BACKUP_CONF="+b.confd, "STATE_DIRECTORY="+b.state, "CACHE_DIRECTORY="+b.dir+"/cache", "SCRIPT="+b.script(), "DIR="+b.dir)
	out, err := c.CombinedOutput()
	return string(out), err
}

func (b *backups) script() string {
	path, err := filepath.Abs("templates/mysql-backup")
	if err != nil {
		b.t.Fatal(err)
	}
	return path
}

// does runs a word of the script, which must succeed.
func (b *backups) does(word string) string {
	b.t.Helper()
	out, err := b.run("bash", b.script(), word)
	if err != nil {
		b.t.Fatalf("backup %s: %v\n%s", word, err, out)
	}
	return out
}

// fails runs a word of the script, which must fail and say why.
func (b *backups) fails(word, why string) {
	b.t.Helper()
	if out, err := b.run("bash", b.script(), word); err == nil || !strings.Contains(out, why) {
		b.t.Errorf("backup %s: %v, want %q\n%s", word, err, why, out)
	}
}

// said is a line of the state that status shows.
func (b *backups) said(name string) string {
	text, _ := os.ReadFile(b.state + "/state") // none is empty
	for l := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(l), name+"="); ok {
			return v
		}
	}
	return ""
}

// TestABrokenBackupNeverCounts has each part fail: a copy is tagged good only when all went well.
func TestABrokenBackupNeverCounts(t *testing.T) {
	const (
		copied = `for a; do case $a in --extra-lsndir=*) d=${a#*=}; mkdir -p "$d"; echo "binlog_pos = filename 'binlog.000001', position '342', GTID of the last change '0-1-5'" >"$d/xtrabackup_info";; esac; done; echo data`
		server = `case $* in *gtid*) echo 0-1-5;; *LOGS*) printf 'binlog.000001\t900\nbinlog.000002\t342\n';; esac`
	)
	for _, x := range []struct {
		name                    string
		mounted, copied, restic string // restic: cases of its arguments
		again                   bool   // it was done before
		well, good, made        bool   // exits with 0; tags good; makes a repository
		why                     string
	}{
		{"all is well", "exit 0", copied, "*) ;;", false, true, true, false, ""},
		{"not here", "exit 1", "exit 1", "*) exit 1;;", false, true, false, false, ""},
		{"the copy breaks off", "exit 0", copied + "; echo 'connection lost' >&2; exit 1", "*) ;;", false, false, false, false, "the copy is not whole and does not count: connection lost"},
		{"the repository is full", "exit 0", copied, "*--stdin*) echo 'Fatal: no space left on device' >&2; exit 1;;", false, false, false, false, "the repository did not take the copy, which does not count: Fatal: no space left on device"},
		{"the logs are not saved", "exit 0", copied, "*logs,series*) echo 'read error' >&2; exit 3;;", false, false, false, false, "the repository did not take the binary logs: read error"},
		{"the copy tells no position", "exit 0", "echo data", "*) ;;", false, false, false, false, "does not count"},
		{"the first time", "exit 0", copied, "*cat*) [ -e \"$DIR/made\" ] || { echo 'Is there a repository at the following location?' >&2; exit 1; };; init*) touch \"$DIR/made\";;", false, true, true, true, ""},
		{"a disk is not mounted", "exit 0", copied, "*cat*) echo 'Is there a repository at the following location?' >&2; exit 1;;", true, false, false, false, "was used and is not there now: is its disk mounted?"},
		{"another disk is mounted", "exit 0", copied, "*cat*) echo '{\"id\": \"77\"}'; exit;;", true, false, false, false, "is not the one that was used until now (its id was 55, and is 77)"},
		{"a wrong password", "exit 0", copied, "*cat*) echo 'Fatal: wrong password or no key found' >&2; exit 1;;", false, false, false, false, "does not open with the password"},
		{"the copy was removed meanwhile", "exit 0", copied, "snapshots*) exit;;", false, false, true, false, "the copy is not in the repository any more"},
		{"nothing can be removed", "exit 0", copied, "prune*) echo 'locked by another' >&2; exit 1;;", false, true, true, false, "the copy is good; what need not be kept cannot be removed: locked by another"},
		{"another host holds a lock", "exit 0", copied, "*--stdin*) [ -e \"$DIR/waited\" ] || { touch \"$DIR/waited\"; echo 'repository is already locked by PID 7 on b' >&2; exit 1; };;", false, true, true, false, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			b := newBackups(t, map[string]string{"mountpoint": x.mounted, "mariadb-backup": x.copied, "mariadb": server,
				"sleep": "exec /bin/sleep 0.1",
				"restic": "echo \"$*\" >>\"$DIR/log\"\n[ \"$1\" != backup ] || [ \"$3\" != --stdin ] || cat >/dev/null\ncase $* in\n" + x.restic +
					"\nesac\ncase $* in *'cat config') echo '{\"id\": \"55\"}';; *--stdin*) echo '{\"total_bytes_processed\":5,\"x\":1}';; snapshots*) echo \"$*\";; esac"})
			if err := os.Mkdir(b.mount+"/data", 0o755); err != nil {
				t.Fatal(err)
			}
			b.write(b.mount+"/data/binlog.000001", "log")
			if x.again {
				if err := os.Mkdir(b.mount+"/.haprov-backup", 0o755); err != nil {
					t.Fatal(err)
				}
				b.write(b.mount+"/.haprov-backup/state", "repository=55 "+b.dir+"/repository\n")
			}
			out, err := b.run("bash", b.script(), "now")
			log, _ := os.ReadFile(b.dir + "/log")
			if (err == nil) != x.well || strings.Contains(string(log), "--set full,good,run=") != x.good || strings.Contains(string(log), "init") != x.made || !strings.Contains(out, x.why) {
				t.Errorf("%v\n%s\n%s", err, out, log)
			}
			if _, err := os.Stat(b.state + "/now"); (err == nil) != x.well {
				t.Errorf("what is said to be done: %v", err)
			}
			if failed := b.said("failed_now"); (failed == "") != x.well || !x.well && !strings.Contains(failed, x.why) {
				t.Errorf("what status shows: %q", failed)
			}
		})
	}
}

// newDatabase is a place with a server of its own, and a real restic.
func newDatabase(t *testing.T) *backups {
	t.Helper()
	for _, p := range []string{"mariadbd", "mariadb-backup", "mariadb-install-db", "restic"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("%v: make deps installs it", err)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("the server's data is its user's, which root alone can make it")
	}
	b := newBackups(t, map[string]string{"mountpoint": "exit 0"})
	sock := b.mount + "/data/s.sock"
	// the cluster's server is asked where nothing else is named
	for _, p := range []string{"mariadb", "mariadb-backup"} {
		real, err := exec.LookPath(p)
		if err != nil {
			t.Fatal(err)
		}
		b.program(p, "case $* in *mysqld.sock*|*--prepare*) exec "+real+" \"$@\";; esac\nexec "+real+" \"$@\" --socket="+sock)
	}
	// other tests' servers would remove its temporary tables from a folder that they share
	tmp := b.mount + "/tmp"
	if err := errors.Join(os.Mkdir(tmp, 0o700), os.Chmod(tmp, 0o777)); err != nil {
		t.Fatal(err)
	}
	// systemd is not here
	b.program("systemctl", "case $1 in\nstart) setsid bash \"$SCRIPT\" serve >/dev/null 2>&1 & ;;\n"+
		"stop) f=$(ls \"$DIR\"/*/mysqld.pid) && kill $(cat $f) && while [ -e $f ]; do sleep 0.1; done;;\nesac\nexit 0")
	if out, err := b.run("mariadb-install-db", "--user=mysql", "--datadir="+b.mount+"/data", "--tmpdir="+tmp, "--skip-test-db", "--auth-root-authentication-method=socket"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server := exec.Command("mariadbd", "--no-defaults", "--user=mysql", "--datadir="+b.mount+"/data", "--tmpdir="+tmp, "--socket="+sock, "--pid-file="+b.mount+"/data/pid", "--skip-networking",
		"--log-bin=binlog", "--binlog-format=ROW", "--server-id=1", "--log-error="+b.mount+"/data/error.log", "--innodb-flush-log-at-trx-commit=2", "--innodb-fast-shutdown=2")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = b.run("systemctl", "stop")
		_ = server.Process.Signal(os.Interrupt)
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		out, err := b.run("mariadb", "-e", "SELECT 1")
		if err == nil {
			return b
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(b.mount + "/data/error.log")
			t.Fatalf("the server does not start: %v %s\n%s", err, out, log)
		}
	}
}

// sql runs statements in the running server, or in the restored one.
func (b *backups) sql(restored bool, text string) string {
	b.t.Helper()
	args := []string{"-N", "-e", text}
	if restored {
		args = append([]string{"--no-defaults", "-S", b.restored + "/mysqld.sock"}, args...)
	}
	out, err := b.run("mariadb", args...)
	if err != nil {
		b.t.Fatalf("%s: %v\n%s", text, err, out)
	}
	return strings.TrimSpace(out)
}

// second waits for the next one to begin, and gives it.
func second() time.Time {
	now := time.Now()
	next := now.Truncate(time.Second).Add(time.Second)
	time.Sleep(next.Sub(now)) // for a clock's next second there is no other condition
	return next.UTC()
}

// asked lets the kind decide on what this host answers, and gives the phase.
func (b *backups) asked(in plan.Intent) (plan.Phase, error) {
	b.t.Helper()
	quiet := &backup.Backup{Where: kind.Where{Nodes: []kind.Node{{Name: "a"}}, Speed: 1}, Unit: "haprov-backup", From: "true", List: "bash " + b.script() + " list", Folder: b.restored}
	step, err := quiet.Intend(in)
	if err != nil {
		b.t.Fatal(err)
	}
	seen := probe.NewSeen(nil)
	for range 3 {
		for _, q := range step.Probe("a", probe.Hosts{"a": {Seen: seen}}) {
			out, err := b.run("sh", "-c", strings.ReplaceAll(q.Shell, "/var/lib/haprov-backup", b.state))
			a := probe.Answer{State: probe.Answered, Out: out}
			if err != nil {
				a.Exit = 1
			}
			seen = seen.With(map[probe.Key]probe.Answer{q.Key(): a})
		}
	}
	hosts := probe.Hosts{"a": {Seen: seen}}
	return step.Decide(hosts, hosts)
}

// restores brings the data as of a time about, as the engine would; the zero time is the latest.
func (b *backups) restores(at time.Time) {
	b.t.Helper()
	ph, err := b.asked(plan.Intent{Verb: plan.Restore, At: at})
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(b.state+"/restore.want", ph.Changes["a"].Actions[0].Write.Content.Reveal())
	b.does("restore")
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if _, err := b.run("mariadb", "--no-defaults", "-S", b.restored+"/mysqld.sock", "-e", "SELECT 1"); err == nil {
			return
		}
		if time.Now().After(end) {
			b.t.Fatal("the restored server does not answer")
		}
	}
}

// TestADroppedTableComesBack takes copies of a real server, and restores as of several seconds.
func TestADroppedTableComesBack(t *testing.T) {
	t.Parallel()
	b := newDatabase(t)
	if _, err := b.asked(plan.Intent{Verb: plan.Restore}); err == nil || !strings.Contains(err.Error(), "there is no repository") {
		t.Errorf("before the first copy: %v", err)
	}
	b.sql(false, "CREATE DATABASE app; CREATE TABLE app.t (id INT PRIMARY KEY); INSERT INTO app.t VALUES (1)")
	before := second()
	b.does("logs") // the first copy, since there is none
	first := b.said("copy")
	second()
	b.sql(false, "INSERT INTO app.t VALUES (2); CREATE USER late@localhost IDENTIFIED BY 'x'")
	b.does("logs")
	b.sql(false, "CREATE TABLE app.big (id INT PRIMARY KEY, b LONGBLOB); INSERT INTO app.big VALUES (1, REPEAT('\\0\\r\\n', 4000000))")
	second()
	b.sql(false, "INSERT INTO app.t VALUES (3)")
	accident := second()
	b.sql(false, "DROP TABLE app.t")
	second()
	b.sql(false, "CREATE TABLE app.t (id INT PRIMARY KEY); INSERT INTO app.t VALUES (7)")

	if _, err := b.asked(plan.Intent{Verb: plan.Restore, At: accident}); err == nil || !strings.Contains(err.Error(), "is later than what is saved") {
		t.Errorf("what is not saved yet: %v", err)
	}
	if _, err := b.asked(plan.Intent{Verb: plan.Restore, At: before}); err == nil || !strings.Contains(err.Error(), "is before the first copy") {
		t.Errorf("before the first copy: %v", err)
	}
	second()
	b.does("logs")
	b.restores(accident)
	if got := b.sql(true, "SELECT GROUP_CONCAT(id ORDER BY id) FROM app.t; SELECT LENGTH(b) FROM app.big; SELECT user FROM mysql.user WHERE user = 'late'"); got != "1,2,3\n12000000\nlate" {
		t.Errorf("as of the second before the accident: %q", got)
	}
	if got := b.sql(true, "SELECT @@skip_networking, @@log_bin, @@event_scheduler, @@datadir, @@tmpdir"); got != "1\t0\tOFF\t"+b.restored+"/data/\t"+b.restored {
		t.Errorf("how the restored server runs: %q", got)
	}
	if got := b.sql(false, "SELECT GROUP_CONCAT(id) FROM app.t"); got != "7" {
		t.Errorf("the running server was touched: %q", got)
	}
	if _, err := b.asked(plan.Intent{Verb: plan.Restore, At: accident}); err == nil || !strings.Contains(err.Error(), "has a restored server already") {
		t.Errorf("a second one: %v", err)
	}
	b.fails("restore", "there is a restored server (haprov restore end)")
	b.does("end")
	if _, err := os.Stat(b.restored); err == nil {
		t.Error("the restored server's folder is left")
	}
	b.does("end") // again

	// the copy's own second, from the copy of before the accident; and all there is
	at, _ := strconv.ParseInt(strings.Fields(first)[2], 10, 64)
	b.restores(time.Unix(at, 0))
	if got := b.sql(true, "SELECT GROUP_CONCAT(id) FROM app.t"); got != "1" {
		t.Errorf("as of the copy: %q", got)
	}
	b.does("end")
	b.restores(time.Time{})
	if got := b.sql(true, "SELECT GROUP_CONCAT(id) FROM app.t"); got != "7" {
		t.Errorf("all there is: %q", got)
	}
	b.does("end")
}

// TestACopyIsProvedAgainstTheRunningServer proves a copy, and then has the repository hold another's data.
func TestACopyIsProvedAgainstTheRunningServer(t *testing.T) {
	t.Parallel()
	b := newDatabase(t)
	b.fails("prove", "there is no repository")
	b.sql(false, "CREATE DATABASE app; CREATE TABLE app.`odd ``name` (id INT PRIMARY KEY, v TEXT); INSERT INTO app.`odd ``name` VALUES (1, 'a'); CREATE TABLE app.gone (id INT)")
	b.does("now")
	b.sql(false, "CREATE DATABASE other; ALTER TABLE app.`odd ``name` ENGINE = MyISAM; ALTER TABLE app.gone ENGINE = MyISAM")
	b.fails("prove", "none of 0 tables could be compared: nothing is proved")
	b.sql(false, "ALTER TABLE app.`odd ``name` ENGINE = InnoDB")
	b.sql(false, "INSERT INTO app.`odd ``name` VALUES (2, 'b'); CREATE TABLE app.`größe 表` (id INT PRIMARY KEY); CREATE TABLE app.later (id INT PRIMARY KEY, s INT AS (id + 1) VIRTUAL); INSERT INTO app.later (id) VALUES (5); DROP TABLE app.gone")
	if out := b.does("prove"); !strings.Contains(out, "proved: 3 of 3 tables are at binlog.000003 ") {
		t.Error(out)
	}
	second()
	b.does("prove") // again
	out := b.does("list")
	snapshots, _, _ := strings.Cut(out, "\n")
	if strings.Count(snapshots, `"proved"`) != 1 || strings.Count(snapshots, "proved_at=") != 1 || strings.Contains(snapshots, "proving") || !strings.Contains(out, "has tags [proved]") {
		t.Errorf("the copy is not kept for its proof:\n%s", out)
	}
	if f := strings.Fields(b.said("proved")); len(f) != 5 || f[3] != "3" || f[4] != "3" {
		t.Errorf("what status shows: %q", f)
	}
	if got, err := os.ReadDir(b.restored + "-proof"); err == nil {
		t.Errorf("the proof is left: %v", got)
	}
	// a row that no log tells of, as a damaged replica or a faulty replay would leave it
	b.sql(false, "SET sql_log_bin = 0; INSERT INTO app.later (id) VALUES (6)")
	b.fails("prove", "other checksums: app.later")
	if !strings.Contains(b.said("failed_prove"), "app.later") || b.said("proved") == "" {
		t.Errorf("what status shows: %q %q", b.said("failed_prove"), b.said("proved"))
	}
}

// TestWhatIsWrongWithARepositoryIsSaid has each trouble with a real one.
func TestWhatIsWrongWithARepositoryIsSaid(t *testing.T) {
	t.Parallel()
	b := newDatabase(t)
	b.sql(false, "CREATE DATABASE app; CREATE TABLE app.t (id INT PRIMARY KEY); INSERT INTO app.t VALUES (1)")
	b.does("now")
	repository := b.dir + "/repository"

	b.write(b.dir+"/password", "wrong\n")
	for _, word := range []string{"now", "list", "restore"} {
		b.fails(word, "does not open with the password of this cluster")
	}
	b.write(b.dir+"/password", "correct horse\n")

	rename := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	rename(repository, repository+".away")
	for _, word := range []string{"now", "logs", "list", "verify", "prune", "prove", "restore"} {
		b.fails(word, "was used and is not there now: is its disk mounted?")
	}
	if out, err := b.run("restic", "init", "-q", "-r", repository, "--password-file", b.dir+"/password"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b.fails("now", "is not the one that was used until now")
	if err := os.RemoveAll(repository); err != nil {
		t.Fatal(err)
	}
	rename(repository+".away", repository)
	b.does("verify")

	// numbers that begin anew are told from those before
	series := b.said("series")
	b.sql(false, "RESET MASTER; INSERT INTO app.t VALUES (2)")
	b.does("logs")
	if now := b.said("series"); now == series || now == "" {
		t.Errorf("after RESET MASTER logs count as those of before: %q", now)
	}
	if gap := b.said("gap"); !strings.Contains(gap, "have begun anew after binlog.000001") {
		t.Errorf("what status shows: %q", gap)
	}
	b.fails("prove", "the last copy cannot be brought up to date")
	was := b.said("recoverable")
	second()
	b.does("logs")
	if now := b.said("recoverable"); now != was {
		t.Errorf("logs that follow no copy make data recoverable to %s", now)
	}
	b.does("now")
	if b.said("gap") != "" || b.said("recoverable") == was {
		t.Errorf("a new copy: gap %q, recoverable to %s", b.said("gap"), b.said("recoverable"))
	}
	b.does("prove")

	// a full disk, of the restored data and of the repository
	small := func(folder string) (unmount func()) {
		t.Helper()
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "none", folder).CombinedOutput(); err != nil {
			t.Logf("left out, no file system can be mounted here: %v %s", err, out)
			return nil
		}
		unmount = sync.OnceFunc(func() {
			if out, err := exec.Command("umount", folder).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
		t.Cleanup(unmount) // of a test that failed before
		return unmount
	}
	if unmount := small(b.restored); unmount != nil {
		if _, err := b.asked(plan.Intent{Verb: plan.Restore}); err == nil || !strings.Contains(err.Error(), "no room in ") {
			t.Errorf("no room to restore: %v", err)
		}
		b.program("df", "echo; echo 99999999999 9") // it fills while the copy is written
		b.write(b.state+"/restore.want", "folder="+b.restored+"\ncopy="+strings.Fields(b.said("copy"))[0]+"\nbytes=1\n")
		b.fails("restore", "the copy cannot be written to "+b.restored)
		if err := os.Remove(b.dir + "/bin/df"); err != nil {
			t.Fatal(err)
		}
		unmount()
	}
	if unmount := small(repository + "/data"); unmount != nil {
		b.sql(false, "USE app; CREATE TABLE big (b LONGBLOB); INSERT INTO big SELECT RANDOM_BYTES(1024) FROM seq_1_to_4000")
		b.fails("now", "the repository did not take the copy, which does not count: ")
		unmount()
	}
	b.does("now")

	// the inventory names another repository: the first copy there is made with the next logs
	was = b.said("copy")
	conf, err := os.ReadFile(b.confd)
	if err != nil {
		t.Fatal(err)
	}
	b.write(b.confd, strings.Replace(string(conf), repository, repository+".new", 1))
	b.does("logs")
	if got := b.said("copy"); got == was || b.said("recoverable") == "" {
		t.Errorf("a new repository without a copy of its own: %q", got)
	}
	b.does("prove")
	b.write(b.confd, string(conf))
	b.does("now")

	// a damaged pack: each has some bytes changed
	packs, err := filepath.Glob(repository + "/data/*/*")
	if err != nil || len(packs) == 0 {
		t.Fatal(err, packs)
	}
	for _, p := range packs {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 64 {
			text[len(text)/3+i] ^= 0xff
		}
		if err := os.Chmod(p, 0o600); err != nil {
			t.Fatal(err)
		}
		b.write(p, string(text))
	}
	b.fails("verify", "the repository is damaged: ")
	b.fails("prove", "cannot be read from the repository (haprov backup verify)")
	ph, err := b.asked(plan.Intent{Verb: plan.Restore})
	if err != nil {
		t.Fatal(err)
	}
	b.write(b.state+"/restore.want", ph.Changes["a"].Actions[0].Write.Content.Reveal())
	b.fails("restore", "cannot be read from the repository (haprov backup verify)")
	if got, err := os.ReadDir(b.restored); err == nil && len(got) > 0 {
		t.Errorf("a restore that failed has left %v", got)
	}
}
