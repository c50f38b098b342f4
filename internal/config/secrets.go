package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"haprov/internal/config/source"
	"haprov/internal/inventory"
	"haprov/internal/secret"
	"haprov/internal/secret/store"
	"haprov/internal/secret/store/command"
	"haprov/internal/secret/store/vault"
)

// The block of an inventory that says where its secrets are.

type secretsBlock struct {
	Age     *ageBlock     `hcl:"age,block" about:"A file encrypted with age, which the repository of the inventory holds"`
	Command *commandBlock `hcl:"command,block" about:"A program of the team's own, such as a script before a password manager; docs/secrets.md says what it must do. It runs with your rights whenever the inventory is read"`
	Vault   *vaultBlock   `hcl:"vault,block" about:"The key-value engine, version 2, of HashiCorp Vault or OpenBao"`
	Range   hcl.Range     `hcl:",range"`
}

type ageBlock struct {
	File       string               `hcl:"file,optional" default:"secrets.age" about:"The file. A relative path starts at the folder of the inventory; the first secret makes it"`
	Recipients []string             `hcl:"recipients" about:"Who can read it: public keys of age (age1..., printed by age-keygen) or of SSH (ssh-ed25519, ssh-rsa), your own among them"`
	Range      hcl.Range            `hcl:",range"`
	Ranges     map[string]hcl.Range `hcl:",ranges"`
}

type commandBlock struct {
	Run     []string             `hcl:"run" about:"The program and its first arguments. A path with a slash starts at the folder of the inventory, which is its working directory; any other name is looked for in PATH"`
	Timeout time.Duration        `hcl:"timeout,optional" default:"30s" min:"1s" about:"How long one run may take, at most 10m"`
	Range   hcl.Range            `hcl:",range"`
	Ranges  map[string]hcl.Range `hcl:",ranges"`
}

type vaultBlock struct {
	Address   string               `hcl:"address" about:"Of the server, as https://vault.example.com:8200; http:// is for this machine alone"`
	Mount     string               `hcl:"mount,optional" default:"secret" about:"Where the engine is mounted"`
	Path      string               `hcl:"path,optional" default:"haprov" about:"The secrets lie below it, as PATH/CLUSTER/NAME; another one for each inventory"`
	Namespace string               `hcl:"namespace,optional" about:"Namespace of the mount"`
	CA        string               `hcl:"ca,optional" about:"File with the certificates, as PEM, that the server is verified by; the system's when omitted"`
	TokenFile string               `hcl:"token_file,optional" about:"File that holds the token; when omitted, VAULT_TOKEN, BAO_TOKEN or ~/.vault-token"`
	Range     hcl.Range            `hcl:",range"`
	Ranges    map[string]hcl.Range `hcl:",ranges"`
}

// longestTimeout bounds a program's run: all that asks for secrets waits.
const longestTimeout = 10 * time.Minute

// secrets checks where the secrets are. Nothing is opened.
func (w *world) secrets() {
	b := w.file.Secrets
	if b == nil {
		return
	}
	w.inv.Secrets = &inventory.SecretSource{}
	given := 0
	if b.Age != nil {
		given++
		w.inv.Secrets.Age = w.age(b.Age)
	}
	if b.Command != nil {
		given++
		w.inv.Secrets.Command = w.command(b.Command)
	}
	if b.Vault != nil {
		given++
		w.inv.Secrets.Vault = w.vault(b.Vault)
	}
	if given != 1 {
		w.rep.At(b.Range, "Secrets have one place", "Found %d blocks in secrets, expected one of age { ... }, command { ... } and vault { ... }. To keep them on this machine, take the block out.", given)
	}
}

func (w *world) age(b *ageBlock) *inventory.AgeFile {
	if len(b.Recipients) == 0 || len(b.Recipients) > 200 {
		w.rep.At(b.at("recipients"), "Invalid number of recipients", "Found %d, expected 1 to 200 public keys, your own among them: age-keygen -y prints it.", len(b.Recipients))
	}
	seen := map[string]bool{}
	for i, r := range b.Recipients {
		if strings.HasPrefix(r, "AGE-SECRET-KEY-") {
			secret.Learn(r) // by mistake: the line is not shown with it
		}
		if _, err := store.ParseRecipient(r); err != nil {
			w.rep.At(b.at("recipients"), fmt.Sprintf("Recipient %d is no public key", i+1), "Found %s, %s.", shownKey(r), err)
		}
		if seen[r] {
			w.rep.At(b.at("recipients"), fmt.Sprintf("Recipient %d is listed twice", i+1), "Name %s once.", shownKey(r))
		}
		seen[r] = true
	}
	if b.File == "" {
		w.rep.At(b.at("file"), "File has no name", "Expected a path, such as \"secrets.age\".")
	}
	return &inventory.AgeFile{Path: w.paths([]string{b.File})[0], Recipients: b.Recipients}
}

// shownKey is a recipient as a message may have it: one that is a private key by mistake is not shown.
func shownKey(s string) string {
	if len(s) > 24 {
		s = s[:12] + "..."
	}
	return source.Bounded(s)
}

func (w *world) command(b *commandBlock) *inventory.SecretCommand {
	switch {
	case len(b.Run) == 0 || b.Run[0] == "":
		w.rep.At(b.at("run"), "Program has no name", "Expected a list such as [\"./secrets.sh\"].")
	default:
		if _, err := command.Find(b.Run[0], w.dir); err != nil {
			w.rep.At(b.at("run"), fmt.Sprintf("Program %s is not found", source.Bounded(b.Run[0])), "Expected a program that may be executed: by a path with a slash, from the folder of the inventory, or by a name in PATH. %s", source.Sentence(err.Error()))
		}
	}
	if b.Timeout > longestTimeout {
		w.rep.At(b.at("timeout"), "\"timeout\" is out of range", "Found %s, expected at most %s.", b.Timeout, longestTimeout)
	}
	return &inventory.SecretCommand{Run: b.Run, Dir: w.dir, Timeout: b.Timeout}
}

func (w *world) vault(b *vaultBlock) *inventory.Vault {
	if err := vault.CheckAddress(b.Address); err != nil {
		w.rep.At(b.at("address"), "Invalid address of Vault", "Found %s, %s.", source.Bounded(b.Address), err)
	}
	for name, value := range map[string]string{"mount": b.Mount, "path": b.Path, "namespace": b.Namespace} {
		if err := vault.CheckPath(value); err != nil && !(name == "namespace" && value == "") {
			w.rep.At(b.at(name), fmt.Sprintf("Invalid %s of Vault", name), "Found %s, %s.", source.Bounded(value), err)
		}
	}
	out := &inventory.Vault{Address: b.Address, Mount: b.Mount, Path: b.Path, Namespace: b.Namespace}
	for to, from := range map[*string]string{&out.CA: b.CA, &out.TokenFile: b.TokenFile} {
		if from != "" {
			*to = w.paths([]string{from})[0]
		}
	}
	return out
}

func (b *ageBlock) at(name string) hcl.Range     { return placed(b.Ranges, name, b.Range) }
func (b *commandBlock) at(name string) hcl.Range { return placed(b.Ranges, name, b.Range) }
func (b *vaultBlock) at(name string) hcl.Range   { return placed(b.Ranges, name, b.Range) }

// placed is where an argument stands, or its block when it was left out.
func placed(ranges map[string]hcl.Range, name string, block hcl.Range) hcl.Range {
	if r, ok := ranges[name]; ok {
		return r
	}
	return block
}

// hasSecrets tells whether an inventory says where its secrets are, well or not.
func hasSecrets(body *hclsyntax.Body) bool {
	for _, b := range body.Blocks {
		if b.Type == "secrets" {
			return true
		}
	}
	return false
}
