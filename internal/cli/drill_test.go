package cli

import (
	"strings"
	"testing"
	"time"

	"haprov/internal/inventory"
	"haprov/internal/recipe"
)

// Machines that are no lab's are touched only as far as their inventory says, and a lab's always.
func TestWhatADrillMayDoToMachines(t *testing.T) {
	shell := &recipe.ShellFault{Inject: "true", Seen: "true", Heal: "true", Gone: "true"}
	killed := recipe.Drill{Name: "killed", Faults: []recipe.Bound{{Fault: recipe.Fault{Name: "server-killed", Risk: "failover", Shell: shell}}}}
	power := recipe.Drill{Name: "power", Faults: []recipe.Bound{{Fault: recipe.Fault{Name: "power-cut", Risk: "host", Lab: &recipe.LabFault{Power: "off"}}}}}
	sunday := time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)
	monday := sunday.Add(24 * time.Hour)
	for _, c := range []struct {
		name    string
		lab     bool
		consent *recipe.Consent
		drill   recipe.Drill
		now     time.Time
		why     string
	}{
		{"a lab", true, nil, power, monday, ""},
		{"no word", false, nil, killed, monday, "does not allow it"},
		{"another risk", false, &recipe.Consent{Allow: []string{"stall"}}, killed, monday, `risks "failover"`},
		{"allowed", false, &recipe.Consent{Allow: []string{"stall", "failover"}}, killed, monday, ""},
		{"outside of the window", false, &recipe.Consent{Allow: []string{"failover"}, Window: "Sun 02:00-05:00"}, killed, monday, "outside of the window"},
		{"within", false, &recipe.Consent{Allow: []string{"failover"}, Window: "Sun 02:00-05:00"}, killed, sunday, ""},
		{"only a lab can", false, &recipe.Consent{Allow: []string{"host"}}, power, sunday, "needs a lab"},
	} {
		inv := &inventory.Inventory{}
		if c.lab {
			inv.Lab = &inventory.Lab{Name: "x"}
		}
		j := &job{app: &app{}, program: &recipe.Program{Inventory: inv}}
		cluster := recipe.Cluster{Drills: recipe.Drills{Load: &recipe.Load{Protocol: "mysql"}, Consent: c.consent}}
		if got := j.refusal(cluster, c.drill, c.now); (got == "") != (c.why == "") || !strings.Contains(got, c.why) {
			t.Errorf("%s: %q, expected %q", c.name, got, c.why)
		}
	}
	j := &job{app: &app{}, program: &recipe.Program{Inventory: &inventory.Inventory{Lab: &inventory.Lab{}}}}
	if got := j.refusal(recipe.Cluster{Drills: recipe.Drills{Load: &recipe.Load{Protocol: "amqp"}}}, killed, monday); !strings.Contains(got, "not known") {
		t.Errorf("a protocol that nobody speaks: %q", got)
	}
}

func TestDrillsAreChosenByNameOrSuite(t *testing.T) {
	c := recipe.Cluster{Name: "shop", Drills: recipe.Drills{Drills: []recipe.Drill{{Name: "a", Suites: []string{"quick", "full"}}, {Name: "b", Suites: []string{"full"}}}}}
	for args, want := range map[string]int{"": 1, "b": 1, "b a": 2} {
		got, err := choose(c, strings.Fields(args), "quick")
		if err != nil || len(got) != want {
			t.Errorf("%q: %v %v", args, got, err)
		}
	}
	if got, err := choose(c, nil, "full"); err != nil || len(got) != 2 {
		t.Error(got, err)
	}
	if _, err := choose(c, []string{"c"}, "quick"); err == nil || !strings.Contains(err.Error(), "there is a, b") {
		t.Error(err)
	}
	if _, err := choose(c, nil, "soak"); err == nil {
		t.Error("a suite that there is not")
	}
}

// What cannot be run is told before any host is asked.
func TestSchedulesOfTheCommandLine(t *testing.T) {
	t.Setenv("HAPROV_STATE", t.TempDir())
	t.Chdir(t.TempDir())
	for args, want := range map[string]string{
		"--faults nothing@active":             "there is power-cut@active",
		"--faults power-cut@active+x":         "time",
		"--faults power-cut@active links-cut": "does not go with names",
		"--random links-cut":                  "draws its own drills",
		"--random --repeat 2":                 "draws its own drills",
		"--random --faults power-cut@active":  "draws its own drills",
		"--random --until 0s":                 "expected a time such as 2h",
		"--random --budget -1s":               "expected a time such as 2h",
	} {
		if out, code := says(append([]string{"drill", "run"}, strings.Fields(args)...)...); code != exitInput || !strings.Contains(out, want) {
			t.Errorf("%s: exit %d, expected ...%s...: %s", args, code, want, out)
		}
	}
}
