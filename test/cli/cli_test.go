// Package cli holds scripts of whole commands: the real program against SSH servers in this
// process, which run what they are sent by the real /bin/sh. Scripts name only their own folder.
package cli

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"

	"haprov/internal/cli"
	"haprov/internal/secret/store/vault/vaulttest"
	"haprov/internal/transport/sshtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"haprov": func() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HAPROV_STATE", filepath.Join(e.WorkDir, "state"))
			e.Setenv("HOME", e.WorkDir)
			host := sshtest.New(e.T().(testing.TB))
			text := fmt.Sprintf("ssh {\n  user        = %q\n  port        = %d\n  keys        = [%q]\n  known_hosts = [%q]\n  only_known  = true\n}\nhost \"one\" { address = %q }\n",
				host.User, host.Port, host.KeyFile, host.KnownHosts, host.Host)
			e.Setenv("SSH_CONFIG", fmt.Sprintf("Host one\n HostName %s\n Port %d\n User %s\n IdentityFile %s\n UserKnownHostsFile %s\n", host.Host, host.Port, host.User, host.KeyFile, host.KnownHosts))
			return os.WriteFile(filepath.Join(e.WorkDir, "host.part"), []byte(text), 0o600)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			// inventory PART RECIPE...: haprov.hcl becomes the host of this test and PART; WORKDIR in
			// recipes becomes the script's folder.
			"inventory": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.WriteFile(ts.MkAbs("haprov.hcl"), []byte(ts.ReadFile("host.part")+ts.ReadFile(args[0])), 0o600))
				for _, recipe := range args[1:] {
					text := strings.ReplaceAll(ts.ReadFile(recipe), "WORKDIR", ts.Getenv("WORK"))
					ts.Check(os.WriteFile(ts.MkAbs(recipe), []byte(text), 0o600))
				}
			},
			// sshconfig FILE: the host of this test as one, for those who say no more than its name.
			"sshconfig": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(args[0])), 0o700))
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(ts.Getenv("SSH_CONFIG")), 0o600))
			},
			// identity FILE [VARIABLE]: a new age identity; the variable becomes its public key.
			"identity": func(ts *testscript.TestScript, _ bool, args []string) {
				id, err := age.GenerateX25519Identity()
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(id.String()+"\n"), 0o600))
				if len(args) > 1 {
					ts.Setenv(args[1], id.Recipient().String())
				}
			},
			// vault VARIABLE: a server of secrets; the variable becomes its address.
			"vault": func(ts *testscript.TestScript, _ bool, args []string) {
				h := httptest.NewServer(vaulttest.New())
				ts.Defer(h.Close)
				ts.Setenv(args[0], h.URL)
				ts.Setenv("TOKEN", vaulttest.Token)
			},
			// expand FILE...: variables in files become their values.
			"expand": func(ts *testscript.TestScript, _ bool, args []string) {
				for _, file := range args {
					ts.Check(os.WriteFile(ts.MkAbs(file), []byte(os.Expand(ts.ReadFile(file), ts.Getenv)), 0o600))
				}
			},
		},
		Condition: func(c string) (bool, error) { return c == "root" && os.Geteuid() == 0, nil },
	})
}
