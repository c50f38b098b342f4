package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) caCmd() *cobra.Command {
	which := meant{}
	c := &cobra.Command{
		Use:   "ca [ENDPOINT]",
		Short: "Print the certificate that clients verify an endpoint by",
		Long: "Prints the certificate of the authority that clients verify an endpoint's servers by, over TLS, as PEM.\n" +
			"It is no secret. ENDPOINT is the name or the port of one that the recipe declares; without it the\n" +
			"cluster's first one is meant.",
		Example: "  haprov ca >ca.pem\n  mariadb --ssl-ca=ca.pem --ssl-verify-server-cert -h 192.168.56.100 -u app -p\n  mysql --ssl-ca=ca.pem --ssl-mode=VERIFY_IDENTITY -h 192.168.56.100 -u app -p",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			which.name = strings.Join(args, "")
			return a.ca(which)
		},
		ValidArgsFunction: first(a.names(endpointNames(false))),
	}
	c.Flags().StringVar(&which.cluster, "cluster", "", "the `NAME` of the cluster, when the inventory has several")
	return c
}

func (a *app) ca(which meant) error {
	j, err := a.load()
	if err != nil {
		return err
	}
	s, err := j.endpoint(which, false)
	if err != nil {
		return err
	}
	_, err = j.secrets.Show(s.cluster.Name, "tls-ca")
	switch {
	case s.endpoint.CA == "":
		return errInput{fmt.Sprintf("endpoint %s has no TLS: the recipe gives it no \"ca\"", s.endpoint.Name)}
	case slices.Contains(s.cluster.Secrets, "tls-ca") && errors.Is(err, fs.ErrNotExist):
		return errInput{fmt.Sprintf("the authority of cluster %s does not exist yet: haprov up%s generates it", s.cluster.Name, a.flags())}
	}
	_, err = fmt.Fprint(a.out, s.endpoint.CA)
	return err
}
