package config

import (
	"errors"
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"haprov/internal/config/decode"
	"haprov/internal/config/source"
	"haprov/internal/secret/sshkey"
)

var sshKeyType = cty.Object(map[string]cty.Type{"private": cty.String, "public": cty.String})

// sshKeyFunc makes ssh_key("fence"): a key for SSH logins, kept with the cluster's secrets as ssh-NAME.
func sshKeyFunc(cluster string, from Secrets, used *names) function.Function {
	return function.New(&function.Spec{
		Description: "An Ed25519 key for SSH logins: .private in OpenSSH's format, which is sensitive, and .public as authorized_keys writes it. Generated once and stored.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String, AllowMarked: true}},
		Type:        function.StaticReturnType(sshKeyType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name, err := nameArg(args[0])
			if err != nil {
				return cty.NilVal, err
			}
			if !decode.IsName(name) {
				return cty.NilVal, fmt.Errorf("%s is not a name for a key: lower-case letters, digits and -", source.Bounded(name))
			}
			if from == nil {
				return cty.NilVal, errors.New("no secret store is available")
			}
			private, _, err := from.Make(cluster, "ssh-"+name, func() (string, error) { return sshkey.New(cluster) })
			if err != nil {
				return cty.NilVal, err
			}
			public, err := sshkey.Public(private.Reveal())
			if err != nil {
				return cty.NilVal, fmt.Errorf("secret ssh-%s of cluster %s: %w", name, cluster, err)
			}
			used.add("ssh-" + name)
			return cty.ObjectVal(map[string]cty.Value{"private": cty.StringVal(private.Reveal()).Mark(sensitive), "public": cty.StringVal(public)}), nil
		},
	})
}
