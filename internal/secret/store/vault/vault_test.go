package vault_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"haprov/internal/secret"
	"haprov/internal/secret/store"
	"haprov/internal/secret/store/storetest"
	"haprov/internal/secret/store/vault"
	"haprov/internal/secret/store/vault/vaulttest"
)

// serve starts a server with TLS and gives how to reach it.
func serve(t *testing.T) (*vaulttest.Server, vault.Options) {
	t.Helper()
	s := vaulttest.New()
	h := httptest.NewTLSServer(s)
	t.Cleanup(h.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw})
	return s, vault.Options{Address: h.URL, Mount: "secret", Path: "team/haprov", CA: string(ca), Token: secret.Sensitive(vaulttest.Token)}
}

func open(t *testing.T, o vault.Options) *vault.Server {
	t.Helper()
	s, err := vault.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVaultIsASource(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() store.Source {
		_, o := serve(t)
		return func() store.Source { return open(t, o) }
	})
}

func TestWhatIsSentIsWhereTheDocumentsSay(t *testing.T) {
	s, o := serve(t)
	o.Namespace = "team/db"
	if err := open(t, o).Create("shop", "app", secret.Sensitive("value of app")); err != nil {
		t.Fatal(err)
	}
	if want := []string{"GET /v1/secret/data/team/haprov/shop/app", "POST /v1/secret/data/team/haprov/shop/app"}; !slices.Equal(s.Asked, want) {
		t.Errorf("asked %q, expected %q", s.Asked, want)
	}
	for _, h := range s.Headers {
		if h.Get("X-Vault-Namespace") != "team/db" || h.Get("X-Vault-Token") != vaulttest.Token {
			t.Errorf("headers %v", h)
		}
	}
	if got := string(s.Entries["team/haprov/shop/app"][0].Value); got != `{"value":"value of app"}` {
		t.Errorf("stored %s", got)
	}
}

// Deleted by another client, a secret does not exist, and the next one is a later version of it.
func TestADeletedVersionIsNone(t *testing.T) {
	s, o := serve(t)
	v := open(t, o)
	for i, value := range []string{"value 1", "value 2"} {
		if err := v.Create("shop", "app", secret.Sensitive(value)); err != nil {
			t.Fatal(err)
		}
		all := s.Entries["team/haprov/shop/app"]
		if len(all) != i+1 {
			t.Fatalf("%d versions", len(all))
		}
		all[i].Deleted = true
		if _, err := v.Read("shop", "app"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("deleted: %v", err)
		}
		if l, err := v.List("shop"); err != nil || len(l) > 0 {
			t.Errorf("listed %v, %v", l, err)
		}
	}
}

func TestEntriesOfOthersAreNotSecrets(t *testing.T) {
	s, o := serve(t)
	v := open(t, o)
	for path, value := range map[string]string{"shop/app": `{"password": "hunter2hunter2"}`, "shop/number": `{"value": 4711471147}`, "shop/Upper": `{}`, "shop/below/one": `{}`} {
		s.Entries["team/haprov/"+path] = []vaulttest.Version{{Value: []byte(value)}}
	}
	for _, name := range []string{"app", "number"} {
		_, err := v.Read("shop", name)
		if text := fmt.Sprint(err); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(text, "secret/team/haprov/shop/"+name) || strings.Contains(text, "hunter2") || strings.Contains(text, "4711471147") {
			t.Errorf("%s: %v", name, err)
		}
		if err := v.Replace("shop", name, nil, secret.Sensitive("given")); err != nil {
			t.Errorf("%s replaced as it is named: %v", name, err)
		}
	}
	if l, err := v.List("shop"); err != nil || !slices.Equal(l, []string{"app", "number"}) {
		t.Errorf("listed %v, %v", l, err)
	}
}

// An answer that tells nothing of a secret is never taken for one that does not exist: it would be
// generated anew.
func TestWhatIsNoAnswerOfVaultIsAnError(t *testing.T) {
	status := func(code int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(code)
			fmt.Fprint(w, body)
			return true
		}
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request) bool
		want   string
	}{
		"refused":                {status(403, `{"errors": ["permission denied"]}`), "its policy does not allow it: permission denied"},
		"sealed":                 {status(503, `{"errors": ["Vault is sealed"]}`), "it is sealed"},
		"an error with a value":  {status(500, `{"errors": ["value of app\u001b[31m"]}`), "(sensitive)"},
		"an endless error":       {status(500, `{"errors": ["`+strings.Repeat("x", 100000)+`"]}`), "status 500"},
		"a proxy's page":         {status(404, "<html>Not here</html>"), "not as Vault answers"},
		"an empty 404":           {status(404, ""), "not as Vault answers"},
		"a page for an answer":   {status(200, "<html>Log in</html>"), "not as Vault answers"},
		"an answer without data": {status(200, `{}`), "does not hold a secret"},
		"version 1 of engine":    {status(200, `{"data": {"value": "value of app"}}`), "version 2"},
		"no end": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.Write([]byte(strings.Repeat(" ", 9<<20)))
			return true
		}, "more than"},
		"a redirect in the clear": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "http://vault.example.com/v1/x", http.StatusTemporaryRedirect)
			return true
		}, "in the clear"},
		"redirects without end": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "https://"+r.Host+r.URL.Path, http.StatusTemporaryRedirect)
			return true
		}, "redirects on and on"},
	} {
		t.Run(name, func(t *testing.T) {
			s, o := serve(t)
			s.Refuse = c.answer
			v := open(t, o)
			for verb, do := range map[string]func() error{
				"read":    func() error { _, err := v.Read("shop", "app"); return err },
				"create":  func() error { return v.Create("shop", "app", secret.Sensitive("value of app")) },
				"replace": func() error { return v.Replace("shop", "app", nil, secret.Sensitive("value of app")) },
			} {
				err := do()
				text := fmt.Sprint(err)
				if err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(text, c.want) && verb == "read" && name != "an error with a value" {
					t.Errorf("%s: %v, expected %q", verb, err, c.want)
				}
				if strings.Contains(text, "value of app") && verb != "read" || strings.Contains(text, vaulttest.Token) || strings.Contains(text, "\x1b") || len(text) > 2000 {
					t.Errorf("%s: the error holds a secret, or is too long: %.300s", verb, text)
				}
			}
		})
	}
}

func TestAStandbyIsFollowedToTheActiveServer(t *testing.T) {
	active, o := serve(t)
	standby, so := serve(t)
	standby.Refuse = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, o.Address+r.URL.Path, http.StatusTemporaryRedirect)
		return true
	}
	so.CA += o.CA
	v := open(t, so)
	if err := v.Create("shop", "app", secret.Sensitive("value of app")); err != nil {
		t.Fatal(err)
	}
	if got, err := v.Read("shop", "app"); err != nil || got.Reveal() != "value of app" || len(active.Entries) != 1 {
		t.Errorf("%v, %d entries", err, len(active.Entries))
	}
}

func TestAServerOfAnotherAuthorityGetsNoToken(t *testing.T) {
	s, o := serve(t)
	o.CA = ""
	if _, err := open(t, o).Read("shop", "app"); err == nil || !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("it said %v", err)
	}
	if len(s.Asked) > 0 {
		t.Error("it was asked")
	}
}

func TestAServerThatIsAwayIsUnavailable(t *testing.T) {
	_, o := serve(t)
	h := httptest.NewServer(http.NotFoundHandler())
	o.Address = h.URL
	h.Close()
	v := store.New(open(t, o))
	v.Get("shop", "app", 0)
	v.Get("shop", "other", 0)
	if err := v.Err(); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), h.URL) {
		t.Errorf("it said %v", err)
	}
}

func TestOptionsThatAreUnsafeOrWrongAreRefused(t *testing.T) {
	_, good := serve(t)
	for want, change := range map[string]func(*vault.Options){
		"in the clear":                      func(o *vault.Options) { o.Address = "http://vault.example.com:8200" },
		"address: expected https":           func(o *vault.Options) { o.Address = "vault.example.com" },
		"such as team/haprov":               func(o *vault.Options) { o.Path = "../sys" },
		"expected names of letters":         func(o *vault.Options) { o.Mount = "" },
		"holds no certificate":              func(o *vault.Options) { o.CA = "rubbish" },
		"the token is not one":              func(o *vault.Options) { o.Token = secret.Text{} },
		"the token is not one: expected on": func(o *vault.Options) { o.Token = secret.Sensitive("two\r\nlines-of-it") },
	} {
		o := good
		change(&o)
		if _, err := vault.Open(o); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "lines-of-it") {
			t.Errorf("%v, expected %q", err, want)
		}
	}
	for _, address := range []string{"https://u:p@host", "https://host?x=1", "https://", "ftp://host", "https://host/v1", "http://10.0.0.1", "http://localhost.example.com"} {
		if vault.CheckAddress(address) == nil {
			t.Errorf("%s was taken", address)
		}
	}
	for _, address := range []string{"https://host", "https://host:8200/", "http://127.0.0.1:8200", "http://[::1]:8200", "http://localhost:8200", "https://10.0.0.1"} {
		if err := vault.CheckAddress(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}
