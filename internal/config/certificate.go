package config

import (
	"errors"
	"fmt"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"haprov/internal/config/decode"
	"haprov/internal/config/source"
	"haprov/internal/secret"
	"haprov/internal/secret/ca"
)

var certificateType = cty.Object(map[string]cty.Type{"ca": cty.String, "cert": cty.String, "key": cty.String})

// renewed is a certificate of the store, made when there is none, and made anew long before it ends.
func renewed(from Secrets, cluster, name string, first func() (string, error), anew func(old string) (string, error)) (secret.Text, bool, error) {
	if _, _, err := from.Make(cluster, name, first); err != nil {
		return secret.Text{}, false, err
	}
	err := from.Renew(cluster, name, func(old string) (string, error) {
		if _, due := ca.Due(old, time.Now()); !due {
			return "", nil
		}
		return anew(old)
	})
	if err != nil {
		return secret.Text{}, false, err
	}
	return from.Make(cluster, name, first)
}

// certificate("db1") is a certificate of the cluster's own authority, as PEM: .ca is the
// authority's, .cert the member's, .key the member's key, which is sensitive. Both are made once,
// renewed long before they end, and kept with the cluster's secrets, as tls-ca and tls-NAME.
func certificateFunc(cluster string, from Secrets, used *names) function.Function {
	return function.New(&function.Spec{
		Description: "A certificate of the cluster's own authority as PEM: .ca, .cert, and .key, which is sensitive. Generated once and stored; renewed by the first up in the last year before it ends.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String, AllowMarked: true}},
		Type:        function.StaticReturnType(certificateType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name, err := nameArg(args[0])
			if err != nil {
				return cty.NilVal, err
			}
			if !decode.IsName(name) || name == "ca" {
				return cty.NilVal, fmt.Errorf("%s is not a name for a certificate: lower-case letters, digits and -, and not ca", source.Bounded(name))
			}
			if from == nil {
				return cty.NilVal, errors.New("no secret store is available")
			}
			authority, kept, err := renewed(from, cluster, "tls-ca", func() (string, error) { return ca.New(cluster, time.Now()) },
				func(old string) (string, error) { return ca.Renew(old, time.Now()) })
			if err != nil {
				return cty.NilVal, err
			}
			issue := func() (string, error) { return ca.Issue(authority.Reveal(), name, time.Now()) }
			member, _, err := renewed(from, cluster, "tls-"+name, issue, func(old string) (string, error) {
				if !ca.Signed(authority.Reveal(), old, name) {
					return "", nil // told below
				}
				return issue()
			})
			if err != nil {
				return cty.NilVal, err
			}
			signed := ca.Signed(authority.Reveal(), member.Reveal(), name)
			if !signed && !kept {
				return cty.NilVal, fmt.Errorf("secret tls-ca of cluster %[2]s is not there, but tls-%[1]s, which it signed, is: bring tls-ca back from a backup; when no host has these certificates yet, remove the files tls-* of the cluster from the store of secrets and all are made anew", name, cluster)
			}
			if !signed {
				return cty.NilVal, fmt.Errorf("secret tls-%s of cluster %s was not signed by its tls-ca: one of them is of another time", name, cluster)
			}
			root, _, err := ca.Split(authority.Reveal())
			if err != nil {
				return cty.NilVal, err
			}
			cert, key, err := ca.Split(member.Reveal())
			if err != nil {
				return cty.NilVal, err
			}
			used.add("tls-ca")
			used.add("tls-" + name)
			return cty.ObjectVal(map[string]cty.Value{"ca": cty.StringVal(root), "cert": cty.StringVal(cert), "key": cty.StringVal(key).Mark(sensitive)}), nil
		},
	})
}
