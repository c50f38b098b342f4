package view

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"haprov/internal/engine"
	"haprov/internal/lab"
	"haprov/internal/plan"
	"haprov/internal/secret"
)

// A view cuts and folds what it is given, so it must never be given a secret: whatever text an event
// has. Names of hosts and steps are not from a host and stay.
func TestNoEventReachesAViewWithASecretInIt(t *testing.T) {
	const canary = "canary-in-an-event-4711"
	secret.Learn(canary)
	err := errors.New("it said " + canary)
	change := plan.Change{Later: canary, Wait: &plan.Wait{Reason: canary, Progress: canary, Evidence: canary}, Diffs: []plan.Diff{{Attribute: canary, Have: canary, Want: canary, Danger: canary}}}
	events := []engine.Event{engine.Connected{}, engine.Exchanged{}, engine.Planned{Plan: plan.Plan{Items: []plan.Item{{Phase: canary, Change: change, Then: []string{canary}}}}},
		engine.Started{Title: canary}, engine.Done{Title: canary, Diffs: change.Diffs}, engine.Failed{Err: err, Command: canary, Output: canary},
		engine.Waiting{Reason: canary}, engine.Phase{Name: canary}, engine.Noted{Text: canary}, engine.Checked{Text: canary, Err: err, Output: canary}}
	names := map[string]bool{}
	v := &keeping{}
	for _, e := range events {
		names[reflect.TypeOf(e).Name()] = true
		Masked{v}.Event(e)
	}
	Masked{v}.Lab(lab.Event{Text: canary})
	Masked{v}.Summary(engine.Summary{Outcomes: map[string]error{"db1": err}}, err)
	if got := v.String(); strings.Contains(got, canary) || strings.Count(got, "(sensitive)") < 20 {
		t.Errorf("got %s", got)
	}
	files, globErr := filepath.Glob("../engine/*.go")
	if globErr != nil || len(files) == 0 {
		t.Fatal(globErr)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func \((\w+)\) event\(\)`).FindAllStringSubmatch(string(text), -1) {
			if !names[m[1]] {
				t.Errorf("event %s is not tried here", m[1])
			}
		}
	}
}

// keeping writes down all that it is given.
type keeping struct{ bytes.Buffer }

func (k *keeping) Lab(e lab.Event)      { k.all(reflect.ValueOf(e)) }
func (k *keeping) Event(e engine.Event) { k.all(reflect.ValueOf(e)) }
func (k *keeping) Summary(s engine.Summary, err error) {
	k.all(reflect.ValueOf(s))
	k.all(reflect.ValueOf(err))
}

func (k *keeping) all(v reflect.Value) {
	if err, ok := v.Interface().(error); ok {
		k.WriteString(err.Error() + "\n")
		return
	}
	switch v.Kind() {
	case reflect.String:
		k.WriteString(v.String() + "\n")
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			k.all(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				k.all(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			k.all(v.Index(i))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			k.all(v.MapIndex(key))
		}
	}
}
