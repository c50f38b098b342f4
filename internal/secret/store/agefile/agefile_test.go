package agefile_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"haprov/internal/secret"
	"haprov/internal/secret/store"
	"haprov/internal/secret/store/agefile"
	"haprov/internal/secret/store/storetest"
)

const none = "age-keygen -o identity"

// operator is an identity, as text, and its public key.
type operator struct{ identity, public string }

func newOperator(t *testing.T) operator {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return operator{id.String(), id.Recipient().String()}
}

func open(t *testing.T, path, identity string, recipients ...string) *agefile.File {
	t.Helper()
	o := agefile.Options{Path: path, Recipients: recipients, NoIdentity: none}
	var err error
	if identity != "" {
		o.Identity, err = store.ReadIdentity(identity)
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := agefile.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAnAgeFileIsASource(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() store.Source {
		path, me := filepath.Join(t.TempDir(), "team", "secrets.age"), newOperator(t)
		return func() store.Source { return open(t, path, me.identity, me.public) }
	})
}

func put(t *testing.T, f *agefile.File, name, value string) {
	t.Helper()
	if err := f.Create("shop", name, secret.Sensitive(value)); err != nil {
		t.Fatal(err)
	}
}

func is(t *testing.T, f *agefile.File, name, value string) {
	t.Helper()
	if got, err := f.Read("shop", name); err != nil || got.Reveal() != value {
		t.Errorf("%s: %d bytes, %v", name, len(got.Reveal()), err)
	}
}

func refused(t *testing.T, err error, want ...string) {
	t.Helper()
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("error %v, expected %q in it", err, w)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it says that the secret does not exist: %v", err)
	}
}

func TestEachRecipientReadsTheFileWithTheirOwnIdentity(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "secrets.age")
	one, two, stranger := newOperator(t), newOperator(t), newOperator(t)
	edKey, edPublic := sshKey(t, dir, "ed", func() (any, any) {
		public, private, _ := ed25519.GenerateKey(rand.Reader)
		return private, public
	})
	rsaKey, rsaPublic := sshKey(t, dir, "rsa", func() (any, any) {
		k, _ := rsa.GenerateKey(rand.Reader, 2048)
		return k, &k.PublicKey
	})
	all := []string{one.public, two.public, edPublic + " someone@desk", rsaPublic}
	put(t, open(t, path, one.identity, all...), "app", "f3Jq0vY2bXn8Lr5t")
	text, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(text, []byte("-----BEGIN AGE ENCRYPTED FILE-----\n")) || bytes.Contains(text, []byte("f3Jq0vY2")) {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, identity := range []string{one.identity, two.identity, edKey, rsaKey} {
		is(t, open(t, path, identity, all...), "app", "f3Jq0vY2bXn8Lr5t")
	}
	_, err = open(t, path, stranger.identity, all...).Read("shop", "app")
	refused(t, err, path, "encrypted to another age identity")
	_, err = open(t, path, "", all...).Read("shop", "app")
	refused(t, err, path, none)
	refused(t, open(t, path, stranger.identity, all...).Create("shop", "new", secret.Sensitive("value of new")), "another age identity")
	refused(t, open(t, filepath.Join(dir, "other.age"), stranger.identity, one.public).Create("shop", "app", secret.Sensitive("value of app")), "lack your own public key")
	refused(t, open(t, filepath.Join(dir, "other.age"), "", one.public).Create("shop", "app", secret.Sensitive("value of app")), none)
	if _, err := os.Stat(filepath.Join(dir, "other.age")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a file was written that its writer cannot read")
	}
}

// sshKey writes an SSH private key, and gives its path and the public one.
func sshKey(t *testing.T, dir, name string, generate func() (private, public any)) (path, line string) {
	t.Helper()
	private, public := generate()
	p, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(p)))
}

func TestAnSSHKeyWithAPassphraseIsToldApart(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("pass"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = store.ReadIdentity(path)
	refused(t, err, path, "passphrase", "age-keygen")
}

// A recipient who came is served after Refresh, which a run calls before its first action, or after
// any write; one who left is not.
func TestOtherRecipientsHaveTheFileEncryptedAnew(t *testing.T) {
	for _, how := range []string{"refresh", "write", "commit"} {
		t.Run(how, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secrets.age")
			one, two, three := newOperator(t), newOperator(t), newOperator(t)
			put(t, open(t, path, one.identity, one.public, two.public), "app", "value of app")
			f := open(t, path, one.identity, three.public, one.public)
			is(t, f, "app", "value of app")
			_, err := open(t, path, three.identity, one.public).Read("shop", "app")
			refused(t, err, "another age identity")
			switch how {
			case "refresh":
				err = f.Refresh()
			case "write":
				put(t, f, "other", "value of other")
				err = nil
			case "commit":
				s := store.New(f)
				s.Get("shop", "app", 0)
				err = s.Commit()
			}
			if err != nil {
				t.Fatal(err)
			}
			is(t, open(t, path, three.identity, one.public, three.public), "app", "value of app")
			_, err = open(t, path, two.identity, one.public, three.public).Read("shop", "app")
			refused(t, err, "another age identity")
		})
	}
}

func TestAFileThatNeedNotChangeStaysAsItIs(t *testing.T) {
	path, me := filepath.Join(t.TempDir(), "secrets.age"), newOperator(t)
	put(t, open(t, path, me.identity, me.public), "app", "value of app")
	before, _ := os.ReadFile(path)
	f := open(t, path, me.identity, me.public)
	is(t, f, "app", "value of app")
	if err := errors.Join(f.Refresh(), f.Remove("shop", "app.former")); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file was encrypted anew")
	}
}

func TestWhatIsNoFileOfSecretsIsRefusedAndStays(t *testing.T) {
	me := newOperator(t)
	sealed := func(text string) []byte {
		var out bytes.Buffer
		a := armor.NewWriter(&out)
		r, _ := age.ParseX25519Recipient(me.public)
		w, err := age.Encrypt(a, r)
		if err == nil {
			_, err = io.WriteString(w, text)
			err = errors.Join(err, w.Close(), a.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	good := sealed(`{"version": 1, "secrets": {"shop": {"app": "value of app"}}}`)
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"a merge conflict": {append([]byte("<<<<<<< HEAD\n"), good...), "merge conflict"},
		"one in the midst": {append(append([]byte{}, good...), "\n<<<<<<< HEAD\n=======\n>>>>>>> theirs\n"...), "merge conflict"},
		"cut":              {good[:len(good)/2], "damaged"},
		"empty":            {nil, "damaged"},
		"no age":           {[]byte(`{"version": 1}`), "damaged"},
		"no JSON":          {sealed("app: hunter2hunter2"), "does not hold secrets"},
		"a later version":  {sealed(`{"version": 2}`), "version 2"},
		"a path":           {sealed(`{"version": 1, "secrets": {"shop": {"../app": "hunter2hunter2"}}}`), "is not a secret"},
		"a bad owner":      {sealed(`{"version": 1, "secrets": {"..": {"app": "hunter2hunter2"}}}`), "is not a secret"},
		"an empty value":   {sealed(`{"version": 1, "secrets": {"shop": {"app": ""}}}`), "is not a secret"},
		"no text":          {sealed(`{"version": 1, "secrets": {"shop": {"app": 4711471147}}}`), "does not hold secrets"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secrets.age")
			if err := os.WriteFile(path, c.text, 0o600); err != nil {
				t.Fatal(err)
			}
			f := open(t, path, me.identity, me.public)
			_, err := f.Read("shop", "none")
			refused(t, err, path, c.want)
			if strings.Contains(fmt.Sprint(err), "hunter2") || strings.Contains(fmt.Sprint(err), "47114711") {
				t.Errorf("the error holds a value: %v", err)
			}
			refused(t, f.Create("shop", "new", secret.Sensitive("value of new")), c.want)
			s := store.New(f)
			s.Get("shop", "none", 0)
			refused(t, s.Commit(), c.want)
			if after, _ := os.ReadFile(path); !bytes.Equal(after, c.text) {
				t.Error("it was written over")
			}
		})
	}
	if err := open(t, filepath.Join(t.TempDir(), "x"), me.identity, me.public).Create("shop", "app", secret.Sensitive("no \xff text")); err == nil || !strings.Contains(err.Error(), "UTF-8") {
		t.Errorf("a value that JSON cannot hold: %v", err)
	}
}

func TestARecipientThatIsNoneIsRefused(t *testing.T) {
	me := newOperator(t)
	for text, want := range map[string]string{"": "neither", "bob": "neither", "age1xyz": "neither", "ssh-ed25519 rubbish": "neither", "ecdsa-sha2-nistp256 AAAA": "neither", me.identity: "private key"} {
		_, err := agefile.Open(agefile.Options{Path: "x", Recipients: []string{me.public, text}})
		refused(t, err, want)
		if strings.Contains(fmt.Sprint(err), "AGE-SECRET") {
			t.Error("the error holds the key")
		}
	}
}

func TestNothingIsLeftBesideTheFileAndItsModeStays(t *testing.T) {
	dir, me := t.TempDir(), newOperator(t)
	path, link := filepath.Join(dir, "secrets.age"), filepath.Join(dir, "link.age")
	put(t, open(t, path, me.identity, me.public), "app", "value of app")
	if err := errors.Join(os.Chmod(path, 0o640), os.Symlink("secrets.age", link)); err != nil {
		t.Fatal(err)
	}
	put(t, open(t, link, me.identity, me.public), "other", "value of other")
	is(t, open(t, path, me.identity, me.public), "other", "value of other")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if all, _ := os.ReadDir(dir); len(all) != 2 {
		t.Errorf("beside it: %v", all)
	}
}

// TestMain is also the process that makes a secret in the test below.
func TestMain(m *testing.M) {
	path, identity, public := os.Getenv("TEST_AGEFILE"), os.Getenv("TEST_IDENTITY"), os.Getenv("TEST_PUBLIC")
	if path == "" {
		os.Exit(m.Run())
	}
	id, err := store.ReadIdentity(identity)
	for range 2 { // an error that says to run again is followed
		f, openErr := agefile.Open(agefile.Options{Path: path, Recipients: []string{public}, Identity: id})
		if err = errors.Join(err, openErr); err != nil {
			break
		}
		s := store.New(f)
		v, _ := s.Get("shop", "app", 0)
		s.Get("shop", os.Getenv("TEST_OWN"), 0)
		if err = s.Commit(); err == nil {
			fmt.Print(v.Reveal())
			os.Exit(0)
		}
		if !strings.Contains(err.Error(), "run again") {
			break
		}
		err = nil
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func TestProcessesThatMakeTheSameSecretGetOneValue(t *testing.T) {
	path, me := filepath.Join(t.TempDir(), "secrets.age"), newOperator(t)
	var all []*exec.Cmd
	outs := make([]bytes.Buffer, 4)
	for i := range outs {
		p := exec.Command(os.Args[0])
		p.Env = append(os.Environ(), "TEST_AGEFILE="+path, "TEST_IDENTITY="+me.identity, "TEST_PUBLIC="+me.public, fmt.Sprint("TEST_OWN=own", i))
		p.Stdout, p.Stderr = &outs[i], os.Stderr
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	for i, p := range all {
		if err := p.Wait(); err != nil {
			t.Errorf("process %d: %v", i, err)
		}
	}
	for i := range outs {
		if v := outs[i].String(); len(v) != store.DefaultLength || v != outs[0].String() {
			t.Errorf("process %d has another value", i)
		}
	}
	if l, err := open(t, path, me.identity, me.public).List("shop"); err != nil || len(l) != 5 {
		t.Errorf("there are %v, %v", l, err)
	}
}
