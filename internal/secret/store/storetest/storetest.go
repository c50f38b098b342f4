// Package storetest is what every source of secrets passes. It must not know any of them.
package storetest

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"haprov/internal/secret"
	"haprov/internal/secret/store"
)

// Values are byte for byte the same after they were stored.
var Values = map[string]string{
	"drawn":       "f3Jq0vY2bXn8Lr5tKw9zAe6mPd1sGh4u",
	"lines":       "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n",
	"line-ends":   "two line ends\n\n",
	"spaces":      "  spaces around\t",
	"quotes":      `it's "quoted" $(id) \n %s <&>`,
	"umlauts":     "Schlüssel ☃ \u2028",
	"one":         "x",
	"long":        strings.Repeat("0123456789abcdef", 4096),
	"under_score": "name with an underscore",
}

// Run tries a source. fresh makes an empty one and gives how a process opens it, which is called often.
func Run(t *testing.T, fresh func(t *testing.T) (open func() store.Source)) {
	for name, test := range map[string]func(*testing.T, func() store.Source){
		"values":     values,
		"exists":     exists,
		"changes":    changes,
		"removes":    removes,
		"one wins":   oneWins,
		"none lost":  noneLost,
		"store":      throughStore,
		"two stores": twoStores,
		"rotation":   rotation,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// holds looks for a value with a new handle; "" is none.
func holds(t *testing.T, open func() store.Source, owner, name, want string) {
	t.Helper()
	got, err := open().Read(owner, name)
	switch {
	case want == "" && !errors.Is(err, fs.ErrNotExist):
		t.Errorf("%s of %s: error %v, expected that there is none", name, owner, err)
	case want != "" && (err != nil || got.Reveal() != want || !got.IsSensitive()):
		t.Errorf("%s of %s: %d bytes, %v, expected %d others", name, owner, len(got.Reveal()), err, len(want))
	}
}

func values(t *testing.T, open func() store.Source) {
	s := open()
	if l, err := s.List("shop"); err != nil || len(l) > 0 {
		t.Errorf("an empty one lists %v, %v", l, err)
	}
	holds(t, open, "shop", "drawn", "")
	var names []string
	for name, v := range Values {
		must(t, s.Create("shop", name, secret.Sensitive(v)))
		names = append(names, name)
	}
	must(t, s.Create("shop", "one.former", secret.Sensitive("former")))
	must(t, s.Create("other", "drawn", secret.Sensitive("another owner's")))
	for name, v := range Values {
		holds(t, open, "shop", name, v)
	}
	holds(t, open, "shop", "one.former", "former")
	holds(t, open, "other", "drawn", "another owner's")
	holds(t, open, "other", "lines", "")
	names = append(names, "one.former")
	slices.Sort(names)
	l, err := open().List("shop")
	slices.Sort(l)
	if err != nil || !slices.Equal(l, names) {
		t.Errorf("listed %v, %v, expected %v", l, err, names)
	}
}

func exists(t *testing.T, open func() store.Source) {
	must(t, open().Create("shop", "app", secret.Sensitive("the first")))
	if err := open().Create("shop", "app", secret.Sensitive("the second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created twice: %v", err)
	}
	holds(t, open, "shop", "app", "the first")
}

func changes(t *testing.T, open func() store.Source) {
	first, second, third := secret.Sensitive("value 1"), secret.Sensitive("value 2"), secret.Sensitive("value 3")
	if err := open().Replace("shop", "app", &first, second); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("replaced nothing: %v", err)
	}
	must(t, open().Create("shop", "app", first))
	must(t, open().Replace("shop", "app", &first, second))
	if err := open().Replace("shop", "app", &first, third); !errors.Is(err, store.ErrChanged) {
		t.Errorf("replaced what was changed meanwhile: %v", err)
	}
	holds(t, open, "shop", "app", "value 2")
	must(t, open().Replace("shop", "app", nil, third))
	must(t, open().Replace("shop", "none", nil, third))
	holds(t, open, "shop", "app", "value 3")
	holds(t, open, "shop", "none", "value 3")
	must(t, open().Replace("shop", "app", &third, third)) // the same again
	holds(t, open, "shop", "app", "value 3")
}

func removes(t *testing.T, open func() store.Source) {
	for _, v := range []string{"value 1", "value 2"} {
		must(t, open().Create("shop", "app", secret.Sensitive(v)))
		must(t, open().Create("shop", "app.former", secret.Sensitive(v)))
		for range 2 {
			must(t, open().Remove("shop", "app.former"))
		}
		holds(t, open, "shop", "app.former", "")
		holds(t, open, "shop", "app", v)
		if l, err := open().List("shop"); err != nil || !slices.Equal(l, []string{"app"}) {
			t.Errorf("listed %v, %v", l, err)
		}
		must(t, open().Remove("shop", "app"))
		holds(t, open, "shop", "app", "")
	}
	one, two := secret.Sensitive("value 3"), secret.Sensitive("value 4")
	must(t, open().Replace("shop", "app", nil, one)) // what was removed is none
	must(t, open().Replace("shop", "app", &one, two))
	holds(t, open, "shop", "app", "value 4")
	must(t, open().Remove("none", "none"))
}

// at does the same at once from several handles.
func at(n int, do func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		go func() { defer wg.Done(); do(i) }()
	}
	wg.Wait()
}

func oneWins(t *testing.T, open func() store.Source) {
	const n = 4
	errs := make([]error, n)
	v := func(i int) string { return "the value of process " + string(rune('a'+i)) }
	at(n, func(i int) { errs[i] = open().Create("shop", "app", secret.Sensitive(v(i))) })
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won >= 0:
			t.Errorf("%d and %d have both created it", won, i)
		case err == nil:
			won = i
		case !errors.Is(err, fs.ErrExist):
			t.Error(err)
		}
	}
	if won < 0 {
		t.Fatal("nobody has created it")
	}
	holds(t, open, "shop", "app", v(won))
	old := secret.Sensitive(v(won))
	at(n, func(i int) { errs[i] = open().Replace("shop", "app", &old, secret.Sensitive("later "+v(i))) })
	after := -1
	for i, err := range errs {
		switch {
		case err == nil && after >= 0:
			t.Errorf("%d and %d have both replaced one value", after, i)
		case err == nil:
			after = i
		case !errors.Is(err, store.ErrChanged):
			t.Error(err)
		}
	}
	if after < 0 {
		t.Fatal("nobody has replaced it")
	}
	holds(t, open, "shop", "app", "later "+v(after))
}

func noneLost(t *testing.T, open func() store.Source) {
	const n = 4
	name := func(i int) string { return "app" + string(rune('0'+i)) }
	at(n, func(i int) {
		if err := open().Create("shop", name(i), secret.Sensitive("value of "+name(i))); err != nil {
			t.Error(err)
		}
	})
	for i := range n {
		holds(t, open, "shop", name(i), "value of "+name(i))
	}
}

func throughStore(t *testing.T, open func() store.Source) {
	s := store.New(open())
	a, had := s.Get("shop", "app", 0)
	if had || len(s.Drawn()) != 1 || s.Err() != nil {
		t.Fatalf("drawn %v, had %v, %v", s.Drawn(), had, s.Err())
	}
	holds(t, open, "shop", "app", "") // nothing before Commit
	must(t, s.Commit())
	must(t, s.Commit())
	next := store.New(open())
	if b, had := next.Get("shop", "app", 0); !had || a.Reveal() != b.Reveal() {
		t.Error("another process has another value")
	}
	must(t, next.Renew("shop", "app", func(old string) (string, error) { return "renewed " + old, nil }))
	must(t, next.Commit())
	holds(t, open, "shop", "app", "renewed "+a.Reveal())
	must(t, store.New(open()).Put("shop", "ipmi", secret.Sensitive("given")))
	must(t, store.New(open()).Replace("shop", "ipmi", secret.Sensitive("given again")))
	holds(t, open, "shop", "ipmi", "given again")
	if l, err := store.New(open()).List("shop"); err != nil || !slices.Equal(l, []string{"app", "ipmi"}) {
		t.Errorf("listed %v, %v", l, err)
	}
	if _, err := store.New(open()).Show("shop", "../app"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a path was taken for a name: %v", err)
	}
}

// Two processes that make the same secret: the second one is told to run again, and has then the first
// one's value.
func twoStores(t *testing.T, open func() store.Source) {
	one, other := store.New(open()), store.New(open())
	a, _ := one.Get("shop", "app", 0)
	other.Get("shop", "app", 0)
	must(t, one.Commit())
	if err := other.Commit(); err == nil || !strings.Contains(err.Error(), "run again") {
		t.Errorf("the second said %v", err)
	}
	if b, had := store.New(open()).Get("shop", "app", 0); !had || b.Reveal() != a.Reveal() {
		t.Error("another value at the second run")
	}
}

func rotation(t *testing.T, open func() store.Source) {
	must(t, open().Create("shop", "app", secret.Sensitive("the first value")))
	two := [2]*store.Store{store.New(open()), store.New(open())}
	for _, s := range two {
		if begun, err := s.Rotate("shop", "app"); err != nil || !begun {
			t.Fatalf("begun %v, %v", begun, err)
		}
	}
	must(t, two[0].Commit())
	if err := two[1].Commit(); err == nil || !strings.Contains(err.Error(), "run again") {
		t.Errorf("a second rotation at once: %v", err)
	}
	s := store.New(open())
	now, _ := s.Get("shop", "app", 0)
	f, rotated := s.Former("shop", "app")
	if !rotated || f.Reveal() != "the first value" || now.Reveal() == f.Reveal() {
		t.Error("not the former and a new value")
	}
	if begun, err := s.Rotate("shop", "app"); begun || err != nil {
		t.Errorf("begun again: %v, %v", begun, err)
	}
	must(t, s.EndRotation("shop", "app"))
	must(t, s.Commit())
	holds(t, open, "shop", "app.former", "")
	holds(t, open, "shop", "app", now.Reveal())
	if _, rotated := store.New(open()).Former("shop", "app"); rotated {
		t.Error("the rotation has not ended")
	}
}
