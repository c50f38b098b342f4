package config

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"haprov/internal/config/decode"
	"haprov/internal/config/source"
	"haprov/internal/secret"
	"haprov/internal/secret/ca"
)

var certificateType = cty.Object(map[string]cty.Type{"ca": cty.String, "cert": cty.String, "key": cty.String})

// renewed is a certificate of the store, made when there is none, and made anew when it is due.
func renewed(from Secrets, cluster, name string, first func() (string, error), anew func(old string) (string, error)) (secret.Text, bool, error) {
	if _, _, err := from.Make(cluster, name, first); err != nil {
		return secret.Text{}, false, err
	}
	if err := from.Renew(cluster, name, anew); err != nil {
		return secret.Text{}, false, err
	}
	return from.Make(cluster, name, first)
}

// due tells whether a certificate ends within a year.
func due(text string) bool {
	_, due := ca.Due(text, time.Now())
	return due
}

// authority is the cluster's own, made when there is none and renewed long before it ends; kept says
// that it was in the store.
func authority(from Secrets, cluster string) (text secret.Text, kept bool, err error) {
	if from == nil {
		return secret.Text{}, false, errors.New("no secret store is available")
	}
	return renewed(from, cluster, "tls-ca", func() (string, error) { return ca.New(cluster, time.Now()) },
		func(old string) (string, error) {
			if !due(old) {
				return "", nil
			}
			return ca.Renew(old, time.Now())
		})
}

// authority() is the certificate of the cluster's own authority, as PEM: what clients verify by.
func authorityFunc(cluster string, from Secrets, used *names) function.Function {
	return function.New(&function.Spec{
		Description: "The certificate of the cluster's own authority as PEM, which signs those of certificate(). Clients verify the cluster by it; it is no secret.",
		Type:        function.StaticReturnType(cty.String),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
			text, _, err := authority(from, cluster)
			if err != nil {
				return cty.NilVal, err
			}
			root, _, err := ca.Split(text.Reveal())
			if err != nil {
				return cty.NilVal, fmt.Errorf("secret tls-ca of cluster %s: %w", cluster, err)
			}
			used.add("tls-ca")
			return cty.StringVal(root), nil
		},
	})
}

// certificate("db1") is a certificate of the cluster's own authority, as PEM: .ca is the
// authority's, .cert the member's, .key the member's key, which is sensitive. Both are made once,
// renewed long before they end, and kept with the cluster's secrets, as tls-ca and tls-NAME. The
// member's is made anew when it is to be good for other addresses, too.
func certificateFunc(cluster string, from Secrets, used *names) function.Function {
	return function.New(&function.Spec{
		Description: "A certificate of the cluster's own authority as PEM: .ca, .cert, and .key, which is sensitive. It is good for the name and for the further names and IP addresses, at which clients reach the member. Generated once and stored; renewed by the first up in the last year before it ends, or when the addresses change.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String, AllowMarked: true}},
		VarParam:    &function.Parameter{Name: "addresses", Type: cty.String, AllowMarked: true},
		Type:        function.StaticReturnType(certificateType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name, err := nameArg(args[0])
			if err != nil {
				return cty.NilVal, err
			}
			if !decode.IsName(name) || name == "ca" {
				return cty.NilVal, fmt.Errorf("%s is not a name for a certificate: lower-case letters, digits and -, and not ca", source.Bounded(name))
			}
			further, err := reachedAt(args[1:])
			if err != nil {
				return cty.NilVal, err
			}
			authority, kept, err := authority(from, cluster)
			if err != nil {
				return cty.NilVal, err
			}
			issue := func() (string, error) { return ca.Issue(authority.Reveal(), name, time.Now(), further...) }
			member, _, err := renewed(from, cluster, "tls-"+name, issue, func(old string) (string, error) {
				if !ca.Signed(authority.Reveal(), old, name) || !due(old) && ca.Covers(old, name, further...) {
					return "", nil // one of another authority is told below
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
			if !ca.Covers(member.Reveal(), name, further...) {
				return cty.NilVal, fmt.Errorf("certificate %s is asked for with other addresses elsewhere in the recipe: expected the same ones each time", name)
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

// reachedAt are the further addresses of a certificate.
func reachedAt(args []cty.Value) (out []string, err error) {
	for _, v := range args {
		at, err := nameArg(v)
		if err != nil {
			return nil, err
		}
		if _, err := netip.ParseAddr(at); err != nil && !dnsName.MatchString(at) {
			return nil, fmt.Errorf("%s is not an address for a certificate: expected an IP address or a name, such as 192.168.56.100 or db.example.com", source.Bounded(at))
		}
		out = append(out, at)
	}
	return out, nil
}
