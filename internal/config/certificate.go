package config

import (
	"errors"
	"fmt"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"haprov/internal/config/decode"
	"haprov/internal/config/source"
	"haprov/internal/secret/ca"
)

var certificateType = cty.Object(map[string]cty.Type{"ca": cty.String, "cert": cty.String, "key": cty.String})

// certificate("db1") is a certificate of the cluster's own authority, as PEM: .ca is the
// authority's, .cert the member's, .key the member's key, which is sensitive. Both are made once
// and kept with the cluster's secrets, as tls-ca and tls-NAME.
func certificateFunc(cluster string, from Secrets, used *names) function.Function {
	return function.New(&function.Spec{
		Description: "A certificate of the cluster's own authority as PEM: .ca, .cert, and .key, which is sensitive. Generated once and stored.",
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
			authority, kept, err := from.Make(cluster, "tls-ca", func() (string, error) { return ca.New(cluster, time.Now()) })
			if err != nil {
				return cty.NilVal, err
			}
			member, _, err := from.Make(cluster, "tls-"+name, func() (string, error) { return ca.Issue(authority.Reveal(), name, time.Now()) })
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
