package kinds

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
)

var (
	update = flag.Bool("update", false, "write what the kinds decide into testdata")
	cases  = flag.String("cases", "testdata", "the folder of the cases")
)

// A case is one file, testdata/KIND/NAME.txtar:
//
//	-- step --      the attributes, each as name = JSON; a secret as {"secret": "value"}
//	-- host --      the host's answers by query key: key = answer
//	-- want --      what is asked in each round and decided (golden)
//	-- after --     optional: answers that have changed when it is done; then nothing differs
//
// In answers a JSON string may hold line breaks, @sha256(TEXT) stands for a digest, `missing` is an
// absent text, `exit N` a command's status, `unanswered` a question that hung.
func TestHostStepsDecideAsTheirCasesSay(t *testing.T) {
	files, err := filepath.Glob(*cases + "/*/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := filepath.Base(filepath.Dir(f))
		s, ok := Lookup(name)
		if !ok {
			t.Errorf("%s: no such kind", f)
			continue
		}
		if _, host := s.New().(kind.Step); !host {
			continue // see TestClusterStepsDecideAsTheirCasesSay
		}
		t.Run(strings.TrimSuffix(strings.TrimPrefix(f, *cases+"/"), ".txtar"), func(t *testing.T) { runCase(t, f, s) })
	}
}

func runCase(t *testing.T, file string, s kind.Spec) {
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	part := map[string]string{}
	for _, f := range ar.Files {
		part[f.Name] = string(f.Data)
	}
	step := s.New()
	decodeStep(t, step, part["step"])
	got := perform(t, step, answers(t, part["host"]))
	if *update {
		for i := range ar.Files {
			if ar.Files[i].Name == "want" {
				ar.Files[i].Data = []byte(got)
			}
		}
		if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != part["want"] {
		t.Errorf("got:\n%s\nwant:\n%s", got, part["want"])
	}
	if part["after"] == "" {
		return
	}
	seen := answers(t, part["host"])
	for k, a := range answers(t, part["after"]) {
		seen[k] = a
	}
	after := perform(t, step, seen)
	if _, decided, _ := strings.Cut(after, "\n\n"); decided != "nothing differs\n" {
		t.Errorf("the second run is not empty:\n%s", after)
	}
}

// perform asks and decides as the engine does, and says it in text.
func perform(t *testing.T, step any, known map[string]probe.Answer) string {
	t.Helper()
	var b strings.Builder
	if c, ok := step.(kind.Checker); ok {
		if ps := c.Check(); len(ps) > 0 {
			for _, p := range ps {
				fmt.Fprintf(&b, "problem: %s: %s: %s\n", p.Attribute, p.Summary, p.Detail)
			}
			return b.String()
		}
	}
	st := step.(kind.Step)
	if ch, err := st.Decide(probe.Seen{}); err != nil || ch.Later == "" || len(ch.Actions) > 0 {
		t.Errorf("decided without any answer: %+v %v", ch, err)
	}
	seen := probe.NewSeen(nil)
	for round := 1; ; round++ {
		qs := st.Probe(seen)
		kindtest.NoteQueries(qs...)
		if len(qs) == 0 {
			break
		}
		if round > 3 {
			t.Fatal("asks a fourth time")
		}
		got := map[probe.Key]probe.Answer{}
		for _, q := range qs {
			name := string(q.Kind) + ":" + q.Name
			fmt.Fprintf(&b, "ask %d: %s\n", round, name)
			a, ok := known[name]
			if !ok {
				t.Errorf("no answer to %s", name)
				a.State = probe.Unanswered
			}
			got[q.Key()] = a
		}
		seen = seen.With(got)
	}
	b.WriteString("\n")
	c, err := st.Decide(seen)
	b.WriteString(sayChange(c, err))
	return b.String()
}

var print8 = regexp.MustCompile(`fingerprint [0-9a-f]{8}`)

func sayChange(c plan.Change, err error) string {
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	if c.Empty() {
		return "nothing differs\n"
	}
	var b strings.Builder
	if c.Later != "" {
		fmt.Fprintf(&b, "later: %s\n", c.Later)
	}
	if c.Wait != nil {
		fmt.Fprintf(&b, "wait: %s\n", c.Wait.Text())
	}
	for _, d := range c.Diffs {
		text := map[bool]string{true: " (text)"}[d.Text]
		fmt.Fprintf(&b, "diff %s%s: %q -> %q\n", d.Attribute, text, d.Have, d.Want)
		if d.Danger != "" {
			fmt.Fprintf(&b, "  danger: %s\n", d.Danger)
		}
	}
	for _, a := range c.Actions {
		sayAction(&b, a)
	}
	return print8.ReplaceAllString(b.String(), "fingerprint ########")
}

func sayAction(b *strings.Builder, a act.Action) {
	kindtest.NoteActions(a)
	fmt.Fprintf(b, "do: %s\n", a.Title)
	say := func(what, text string) {
		if text != "" {
			fmt.Fprintf(b, "  %s: %s\n", what, strings.ReplaceAll(text, "\n", "\n    "))
		}
	}
	say("unless", a.Unless)
	say("guard", a.Guard)
	for _, o := range a.Owes {
		say("owes", o.Unit+" "+o.What)
	}
	say("install", strings.Join(a.Install, " "))
	if a.AfterLogin > 0 {
		say("after a new login within", a.AfterLogin.String())
	}
	say("shell", a.Shell)
	if !a.Stdin.Empty() {
		say("stdin", a.Stdin.String())
	}
	if w := a.Write; w != nil {
		fmt.Fprintf(b, "  write: %s %s:%s %s %d bytes\n", w.Path, w.Owner, w.Group, w.Mode, len(w.Content.Reveal()))
		say("validate", w.Validate)
	}
	if s := a.Start; s != nil {
		fmt.Fprintf(b, "  start: %s enable=%t start=%t\n", s.Name, s.Enable, s.Start)
	}
	say("pays", strings.Join(a.Pays, " "))
	var ts []string
	for _, x := range a.Touches {
		ts = append(ts, strings.TrimPrefix(string(x.Kind)+":"+x.Name, ":"))
	}
	say("touches", strings.Join(ts, " "))
}

var shaOf = regexp.MustCompile(`@sha256\(([^)]*)\)`)

func answers(t *testing.T, text string) map[string]probe.Answer {
	t.Helper()
	out := map[string]probe.Answer{}
	for l := range strings.Lines(text) {
		key, raw, ok := strings.Cut(strings.TrimRight(l, "\n"), " =")
		if !ok {
			continue
		}
		raw = strings.TrimPrefix(raw, " ")
		a := probe.Answer{State: probe.Answered}
		switch {
		case raw == "unanswered":
			a.State = probe.Unanswered
		case raw == "missing":
			a.Exit = 1
		case strings.HasPrefix(raw, "exit "):
			n, err := strconv.Atoi(raw[5:])
			if err != nil {
				t.Fatal(err)
			}
			a.Exit = n
		case strings.HasPrefix(raw, `"`):
			if err := json.Unmarshal([]byte(raw), &a.Out); err != nil {
				t.Fatalf("%s: %v", l, err)
			}
		default:
			a.Out = shaOf.ReplaceAllStringFunc(raw, func(m string) string {
				s, err := strconv.Unquote(`"` + shaOf.FindStringSubmatch(m)[1] + `"`)
				if err != nil {
					t.Fatal(err)
				}
				h := sha256.Sum256([]byte(s))
				return hex.EncodeToString(h[:])
			})
		}
		out[key] = a
	}
	return out
}

// decodeStep fills a kind by its tags, defaults first, as the configuration's decoder does.
func decodeStep(t *testing.T, step any, text string) {
	t.Helper()
	v := reflect.ValueOf(step).Elem()
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		name, _, _ := strings.Cut(tag.Get("hcl"), ",")
		fields[name] = v.Field(i)
		if d := tag.Get("default"); d != "" {
			if err := setField(v.Field(i), strconv.Quote(d)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for l := range strings.Lines(text) {
		name, raw, ok := strings.Cut(l, " = ")
		if !ok {
			continue
		}
		f, ok := fields[name]
		if !ok {
			t.Fatalf("no attribute %q", name)
		}
		if err := setField(f, raw); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

func setField(f reflect.Value, raw string) error {
	var x any
	if err := json.Unmarshal([]byte(raw), &x); err != nil {
		return err
	}
	s, isString := x.(string)
	switch {
	case f.Type() == reflect.TypeFor[secret.Text]():
		if m, ok := x.(map[string]any); ok {
			f.Set(reflect.ValueOf(secret.Sensitive(m["secret"].(string))))
			return nil
		}
		f.Set(reflect.ValueOf(secret.Plain(s)))
		return nil
	case f.Type() == reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(s)
		f.SetInt(int64(d))
		return err
	case isString && f.Kind() == reflect.Slice:
		f.Set(reflect.ValueOf(strings.Split(s, ",")))
		return nil
	case isString && f.Kind() == reflect.Bool:
		f.SetBool(s == "true")
		return nil
	case isString && f.Kind() == reflect.Int:
		n, err := strconv.Atoi(s)
		f.SetInt(int64(n))
		return err
	case isString && f.Kind() == reflect.Map: // the default of a map is an empty one
		return nil
	case isString && f.Kind() != reflect.String:
		return errors.New("a string here")
	}
	return json.Unmarshal([]byte(raw), f.Addr().Interface())
}
