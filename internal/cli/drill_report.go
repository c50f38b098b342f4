package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"haprov/internal/drill"
	"haprov/internal/drill/judge"
	"haprov/internal/view"
)

func (a *app) drillReportCmd() *cobra.Command {
	return &cobra.Command{
		Use: "report [FOLDER]", Short: "Show a run's verdicts, and where its report is",
		Long:    "FOLDER is a run's evidence; without it the last run's. It changes nothing there:\nthe sums of haprov drill verify hold.",
		Example: "  haprov drill report", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.drillReport(args) },
	}
}

func (a *app) drillVerifyCmd() *cobra.Command {
	signers := ""
	c := &cobra.Command{
		Use: "verify [FOLDER]", Short: "Judge a run again from its histories alone",
		Long: `Compares the files with SHA256SUMS, reads every operation again and judges it anew: whoever was handed
the folder need not believe its verdicts. No host is asked.

With --signers it also wants SHA256SUMS.sig, the signature of somebody in FILE, whose form is that of
ALLOWED SIGNERS in ssh-keygen(1). Who ran the drills makes it, in the folder:
ssh-keygen -Y sign -n haprov-drill -f KEY SHA256SUMS`,
		Example: "  haprov drill verify\n  haprov drill verify evidence --signers allowed_signers", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.drillVerify(c.Context(), args, signers) },
	}
	c.Flags().StringVar(&signers, "signers", "", "whose signature is wanted: ssh's `FILE` of allowed signers")
	return c
}

// signer finds out who of ssh's allowed signers has signed a run's sums. ssh-keygen(1) does it: it is what
// the signature was made with.
func signer(ctx context.Context, folder, signers string) (string, error) {
	sums, err := os.ReadFile(filepath.Join(folder, "SHA256SUMS"))
	if err != nil {
		return "", err
	}
	signature := filepath.Join(folder, "SHA256SUMS.sig")
	if _, err := os.Stat(signature); err != nil {
		return "", fmt.Errorf("%w: it is not signed: ssh-keygen -Y sign -n haprov-drill -f KEY SHA256SUMS", errDrill)
	}
	if _, err := os.Stat(signers); err != nil {
		return "", errInput{err.Error()}
	}
	ask := func(args ...string) (string, error) {
		c := exec.CommandContext(ctx, "ssh-keygen", append([]string{"-Y"}, args...)...)
		c.Stdin = bytes.NewReader(sums)
		out, err := c.CombinedOutput()
		var no *exec.ExitError
		if errors.As(err, &no) {
			return "", fmt.Errorf("%w: the signature is not of an allowed signer, or not of these sums: %s", errDrill, view.Clean(strings.TrimSpace(string(out))))
		}
		return strings.TrimSpace(string(out)), err
	}
	who, err := ask("find-principals", "-f", signers, "-s", signature)
	if err != nil {
		return "", err
	}
	who, _, _ = strings.Cut(who, "\n")
	_, err = ask("verify", "-f", signers, "-I", who, "-n", "haprov-drill", "-s", signature)
	return who, err
}

func (a *app) drillResult(r drill.Result) {
	if len(r.Parts) > 0 {
		var parts []string
		for _, p := range r.Parts {
			parts = append(parts, fmt.Sprintf("%s %.1f s", p.Name, p.Seconds))
		}
		fmt.Fprintf(a.out, "  the outage: %s\n", strings.Join(parts, ", "))
	}
	for _, v := range r.Verdicts {
		note := ""
		if v.Informs {
			note = " (informs only)"
		}
		fmt.Fprintf(a.out, "  %-7s  %s%s: %s\n", v.Word, view.Clean(v.Promise), note, view.Clean(v.Why))
	}
	if r.Factor > 1.2 {
		fmt.Fprintf(a.out, "  this machine was %.1f times slower than usual: limits were stretched by that\n", r.Factor)
	}
	fmt.Fprintf(a.out, "  %s  %s", strings.ToUpper(r.Word), r.Name)
	if r.Word != judge.Pass {
		fmt.Fprintf(a.out, ": %s", view.Clean(r.Why))
	}
	fmt.Fprintln(a.out)
}

// drillRepeats shows the spread of drills that ran more than once.
func (a *app) drillRepeats(s drill.Summary) {
	all := s.Repeated()
	if len(all) == 0 {
		return
	}
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "DRILL\tTIME\tMEASURED\tMIN\tMEDIAN\tP95\tMAX")
	for _, x := range all {
		fmt.Fprintf(a.out, "%s: %d runs: %d pass, %d fail, %d unknown\n", view.Clean(x.Drill), x.Runs, x.Pass, x.Fail, x.Unknown)
		for _, t := range x.Times {
			fmt.Fprintf(w, "%s\t%s\t%d\t%.1f s\t%.1f s\t%.1f s\t%.1f s\n", view.Clean(x.Drill), view.Clean(t.Name), t.N, t.Least, t.Median, t.P95, t.Most)
		}
	}
	_ = w.Flush() // as with the lines around it
	fmt.Fprintln(a.out)
}

func (a *app) drillSum(s drill.Summary, folder drill.Folder) {
	a.drillRepeats(s)
	n := map[string]int{}
	for _, r := range s.Results {
		n[r.Word]++
	}
	fmt.Fprintf(a.out, "%s (%s): %s: %d pass, %d fail, %d unknown; %.0f rows acknowledged, %.0f lost; longest outage %.1f s; seed %d\n",
		s.Cluster, s.Recipe, drill.Drills(len(s.Results)), n[judge.Pass], n[judge.Fail], n[judge.Unknown], s.Acked, s.Lost, s.LongOutage, s.Seed)
	fmt.Fprintf(a.out, "report: %s\n", filepath.Join(folder.Path, "report.html"))
}

// evidence finds a run's folder: the named one, or the last.
func (a *app) evidence(args []string) (drill.Folder, drill.Summary, error) {
	path := strings.Join(args, "")
	if path == "" {
		root, err := stateFolder()
		if err != nil {
			return drill.Folder{}, drill.Summary{}, err
		}
		all, err := os.ReadDir(filepath.Join(root, "drills"))
		if len(all) == 0 {
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				return drill.Folder{}, drill.Summary{}, errInput{"no drill has run yet: haprov drill run"}
			}
			return drill.Folder{}, drill.Summary{}, err
		}
		path = filepath.Join(root, "drills", all[len(all)-1].Name()) // their names begin with the time
	}
	f := drill.Folder{Path: path}
	s, err := f.Read()
	if err != nil {
		return f, s, errInput{fmt.Sprintf("%.200s is no drill's evidence: %v", path, err)}
	}
	return f, s, nil
}

func (a *app) drillReport(args []string) error {
	f, s, err := a.evidence(args)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(s)
	}
	for _, r := range s.Results {
		fmt.Fprintf(a.out, "%s: %s\n", view.Clean(r.Name), view.Clean(r.About))
		a.drillResult(r)
	}
	fmt.Fprintln(a.out)
	a.drillSum(s, f)
	return nil
}

// slower is how much longer an outage is called slower: by a fifth, and by two seconds.
const slowerBy, slowerSeconds = 1.2, 2.0

func (a *app) drillCompareCmd() *cobra.Command {
	fail := false
	c := &cobra.Command{
		Use: "compare FOLDER FOLDER", Short: "Compare the outages of two runs, part by part",
		Long: `Shows for each drill that both runs have the median of its outage, with the range over its repetitions,
of the longest time without a row, of the time until it was healthy, and of the outage's parts, before
and after. An outage whose median is longer by a fifth and by two
seconds is called slower.`,
		Example: "  haprov drill compare before after --fail-slower", Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error { return a.drillCompare(args, fail) },
	}
	c.Flags().BoolVar(&fail, "fail-slower", false, "end with 16 when a drill is slower")
	c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return c
}

func (a *app) drillCompare(args []string, fail bool) error {
	var runs [2]drill.Summary
	for i, path := range args {
		_, s, err := a.evidence([]string{path})
		if err != nil {
			return err
		}
		runs[i] = s
	}
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "DRILL\tPART\tBEFORE\tAFTER\tDIFFERENCE")
	slow := false
	for _, d := range drill.Compare(runs[0], runs[1]) {
		word := fmt.Sprintf("%+.1f s", d.After.Median-d.Before.Median)
		if d.Part == "outage" && d.After.Median > slowerBy*d.Before.Median && d.After.Median > d.Before.Median+slowerSeconds {
			word, slow = word+", slower", true
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", view.Clean(d.Drill), view.Clean(d.Part), d.Before, d.After, word)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if slow && fail {
		return fmt.Errorf("%w: an outage is longer than it was", errDrill)
	}
	return nil
}

func (a *app) drillVerify(ctx context.Context, args []string, signers string) error {
	f, s, err := a.evidence(args)
	if err != nil {
		return err
	}
	if signers != "" {
		who, err := signer(ctx, f.Path, signers)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "signed by %s\n", view.Clean(who))
	}
	changed, err := f.Changed()
	if err != nil {
		return err
	}
	other, err := f.Verify(s)
	if err != nil {
		return err
	}
	for _, name := range changed {
		fmt.Fprintf(a.out, "changed since it was written: %s\n", view.Clean(name))
	}
	for _, text := range other {
		fmt.Fprintln(a.out, view.Clean(text))
	}
	if len(changed)+len(other) > 0 {
		return fmt.Errorf("%w: the evidence does not hold", errDrill)
	}
	fmt.Fprintf(a.out, "verified: %s, judged again from the histories with the same verdicts\n", drill.Drills(len(s.Results)))
	return nil
}
