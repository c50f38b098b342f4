package cli

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"haprov/internal/file"
	"haprov/internal/lint"
	"haprov/internal/probe"
	"haprov/internal/secret"
)

// What a bundle takes at most: bytes of a host's journal, of one file of this machine, and how many
// journals of earlier runs.
const (
	bundledJournal = 4 << 20
	bundledFile    = 1 << 20
	bundledRuns    = 5
)

// bundledQueries are asked of each host, by the folder that their answers go to.
func bundledQueries() map[string]probe.Query {
	journal := probe.Cmd("bundle journal", fmt.Sprintf("journalctl -q --no-pager -o short-iso-precise --since -24h -n 50000 | tail -c %d", bundledJournal))
	system := probe.Cmd("bundle system", `for c in 'uname -a' 'cat /etc/os-release' uptime 'cat /proc/pressure/cpu /proc/pressure/io /proc/pressure/memory' 'free -m' 'df -h' lsblk 'ip -br addr' 'ip route' 'ss -tln' 'systemctl --failed --no-pager' 'timedatectl show'; do
  echo "== $c"; timeout 10 $c 2>&1 | head -c 65536
done`)
	journal.Max, journal.Timeout = bundledJournal+1024, time.Minute
	system.Max, system.Timeout = 1<<20, time.Minute
	return map[string]probe.Query{"journals": journal, "system": system, "hosts": lint.Query()}
}

func (a *app) bundleCmd() *cobra.Command {
	to := ""
	c := &cobra.Command{
		Use: "bundle", Short: "Collect what a report of a fault needs, in one file",
		Long: `Asks all hosts at once and changes nothing: status, the configuration and state of the cluster's
tools, the last day of the journal, the system's own figures; of this machine the inventory, the
journals of the last runs, and of a lab its event log and consoles. A host that does not answer
is named.

Secrets that haprov knows are masked, passwords in configuration files are taken out. Names,
addresses and what the servers logged stay: look through it before you give it away. What is in
CLUSTER/hosts can be judged without the hosts: haprov lint --from CLUSTER/hosts.`,
		Example: "  haprov bundle\n  haprov bundle --to /tmp/fault.tar.gz", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.bundle(c.Context(), to) },
	}
	c.Flags().StringVar(&to, "to", "", "the `FILE` to write (default: haprov-bundle-DATE-TIME.tar.gz here); it must not be there")
	return c
}

func (a *app) bundle(ctx context.Context, to string) error {
	j, err := a.load()
	if err != nil {
		return err
	}
	began := time.Now()
	if to == "" {
		to = "haprov-bundle-" + began.Format("20060102-150405") + ".tar.gz"
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return errInput{to + " is there already; name another file"}
	}
	if err != nil {
		return err
	}
	w := newBundle(out, strings.TrimSuffix(filepath.Base(to), ".tar.gz"), began)
	err = a.fill(ctx, j, w)
	if err = errors.Join(err, w.close(), out.Close()); err != nil {
		_ = os.Remove(to)
		return err
	}
	info, err := os.Stat(to)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s: %d KiB\n", to, info.Size()>>10)
	for _, l := range w.lost {
		fmt.Fprintln(a.out, "missing: "+l)
	}
	fmt.Fprintln(a.out, "Secrets are masked. Names, addresses and logged statements are in it: look through it before you give it away.")
	return nil
}

// fill collects. What cannot be had is named in the bundle; only a bundle that cannot be written is an
// error.
func (a *app) fill(ctx context.Context, j *job, w *bundle) error {
	w.add("README", fmt.Sprintf("haprov %s, %s\n\nCLUSTER/status.json, .txt   what haprov status says\nCLUSTER/hosts              configuration and state, as haprov lint --from reads it\nCLUSTER/journals, system   of each host: the last day, and the system's figures\ninventory.json, runs, lab  of the machine that haprov runs on\nmissing                    what could not be had\n", buildVersion(), w.at.Format(time.RFC3339)))
	text, err := json.MarshalIndent(asPrinted(j.program.Inventory), "", "  ")
	if err != nil {
		return err
	}
	w.add("inventory.json", string(text)+"\n")
	a.bundleRuns(w)
	if err := j.reach(ctx, false, nil); err != nil {
		w.miss("hosts", err)
		return nil
	}
	for _, c := range j.program.Clusters {
		page := j.health(ctx, c)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		text, err := json.MarshalIndent(page, "", "  ")
		if err != nil {
			return err
		}
		var drawn strings.Builder
		if err := page.Draw(&drawn, false); err != nil {
			return err
		}
		w.add(c.Name+"/status.json", string(text)+"\n")
		w.add(c.Name+"/status.txt", drawn.String())
		queries := bundledQueries()
		var all []probe.Query
		for _, q := range queries {
			all = append(all, q)
		}
		said, lost, err := j.asks(ctx, c, all)
		if err != nil {
			return err
		}
		for _, h := range c.Hosts {
			if lost[h] != "" {
				w.miss(c.Name+"/"+h, errors.New(lost[h]))
				continue
			}
			for folder, q := range queries {
				answer := said[h].Get(q)
				if answer.State != probe.Answered {
					w.miss(c.Name+"/"+folder+"/"+h, errors.New("it did not answer in time"))
					continue
				}
				w.add(c.Name+"/"+folder+"/"+h+map[bool]string{true: ".facts", false: ".txt"}[folder == "hosts"], answer.Out)
			}
		}
	}
	j.bundleLab(w)
	return nil
}

// bundleRuns takes the journals of the last runs, whose secrets were masked as they were written.
func (a *app) bundleRuns(w *bundle) {
	root, err := stateFolder()
	if err != nil {
		w.miss("runs", err)
		return
	}
	paths, _ := filepath.Glob(filepath.Join(root, "journal", "*.log")) // the pattern is good
	slices.Sort(paths)                                                 // by time
	for _, p := range paths[max(0, len(paths)-bundledRuns):] {
		w.file("runs/"+filepath.Base(p), p)
	}
}

func (j *job) bundleLab(w *bundle) {
	if j.lab == nil {
		return
	}
	events, err := j.lab.Logs()
	if err != nil {
		w.miss("lab/events", err)
	}
	var text bytes.Buffer
	to := json.NewEncoder(&text)
	for _, e := range events {
		_ = to.Encode(e) // a Buffer takes everything
	}
	w.add("lab/events.jsonl", text.String())
	for _, h := range j.lab.Spec().Hosts {
		path, err := j.lab.Console(h.Name)
		if err != nil {
			w.miss("lab/"+h.Name+".console", err)
			continue
		}
		w.file("lab/"+h.Name+".console", path)
	}
}

// bundle is the archive as it is written. The first error that writing meets is kept until close.
type bundle struct {
	name string
	at   time.Time
	zip  *gzip.Writer
	tar  *tar.Writer
	lost []string
	err  error
}

func newBundle(to io.Writer, name string, at time.Time) *bundle {
	zip := gzip.NewWriter(to)
	return &bundle{name: name, at: at, zip: zip, tar: tar.NewWriter(zip)}
}

// add puts a text into the bundle, its secrets masked.
func (b *bundle) add(name, text string) {
	text = secret.Mask(text)
	if b.err == nil {
		b.err = b.tar.WriteHeader(&tar.Header{Name: b.name + "/" + name, Mode: 0o600, Size: int64(len(text)), ModTime: b.at, Format: tar.FormatPAX})
	}
	if b.err == nil {
		_, b.err = io.WriteString(b.tar, text)
	}
}

// file adds the end of a file of this machine.
func (b *bundle) file(name, path string) {
	f, info, err := file.Open(path)
	if err != nil {
		b.miss(name, err)
		return
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-bundledFile), bundledFile))
	if err != nil {
		b.miss(name, err)
		return
	}
	b.add(name, string(text))
}

func (b *bundle) miss(name string, err error) {
	b.lost = append(b.lost, name+": "+oneReason(err.Error()))
}

func (b *bundle) close() error {
	if len(b.lost) > 0 {
		b.add("missing", strings.Join(b.lost, "\n")+"\n")
	}
	return errors.Join(b.err, b.tar.Close(), b.zip.Close())
}
