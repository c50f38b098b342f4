package config_test

import (
	"strings"
	"testing"

	"haprov"
	"haprov/internal/config"
)

func TestABackupNeedsARepositoryAndATime(t *testing.T) {
	load := func(block string) string {
		text := strings.Replace(realMachines, `backup { repository = "sftp:backup@10.0.0.9:/srv/shop" }`, block, 1)
		_, problems := config.Load("testdata/real.hcl", config.Options{Text: []byte(text), Shipped: haprov.Shipped, Secrets: secrets{}})
		var got []string
		for _, p := range problems {
			got = append(got, p.Summary)
		}
		return strings.Join(got, "; ")
	}
	for _, x := range []struct{ block, want string }{
		{"", ""},
		{"backup {\nrepository = \"/srv/backups\"\nschedule = \"Mon..Fri *-*-* 02:30\"\n}", ""},
		{"backup { repository = \"backups\" }", "Invalid repository"},
		{"backup { repository = \"/srv/a b\" }", "Invalid repository"},
		{"backup { repository = \"sftp:host:backups\" }", "Invalid repository"},
		{"backup {\nrepository = \"/b\"\nschedule = \"daily\\nUnit=x.service\"\n}", "Invalid time of backup: schedule"},
		{"backup {\nrepository = \"/b\"\nschedule = \"\"\n}", "Invalid time of backup: schedule"},
		{"backup {\nrepository = \"/b\"\nlogs = \"*:0/1\"\nprove = \"Sat 04:00\"\nrestore_in = \"/srv/restored\"\n}", ""},
		{"backup {\nrepository = \"/b\"\nlogs = \"every minute!\"\n}", "Invalid time of backup: logs"},
		{"backup {\nrepository = \"/b\"\nprove = \"\"\n}", "Invalid time of backup: prove"},
		{"backup {\nrepository = \"/b\"\nrestore_in = \"restored\"\n}", "Invalid folder for restored data"},
		{"backup {\nrepository = \"/b\"\nrestore_in = \"/srv/../etc\"\n}", "Invalid folder for restored data"},
	} {
		if got := load(x.block); got != x.want && (x.want == "" || !strings.HasPrefix(got, x.want+"; ")) {
			t.Errorf("%s: %q, want %q", x.block, got, x.want)
		}
	}
}

func TestARecipeWithoutBackupsTakesNoBackupBlock(t *testing.T) {
	text, err := haprov.Shipped.ReadFile("inventory/galera-3.hcl")
	if err != nil {
		t.Fatal(err)
	}
	with := strings.Replace(string(text), `recipe = "galera"`, "recipe = \"galera\"\n  backup { repository = \"/b\" }", 1)
	_, problems := config.Load("testdata/galera.hcl", config.Options{Text: []byte(with), Shipped: haprov.Shipped, Secrets: secrets{}})
	if len(problems) != 1 || problems[0].Summary != "Recipe galera makes no backups" {
		t.Error(problems.Render(100, false))
	}
}
