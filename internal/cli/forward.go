package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"haprov/internal/view"
)

func (a *app) forwardCmd() *cobra.Command {
	listen, which := "", meant{}
	c := &cobra.Command{
		Use:   "forward [ENDPOINT]",
		Short: "Serve an endpoint of the cluster on loopback until interrupted",
		Long: "ENDPOINT is the name or the port of one that the recipe declares; without it the cluster's first one\n" +
			"is served. Each connection looks up the endpoint again, so clients that reconnect follow a failover.\n" +
			"TLS is between the client and the server; haprov ca prints what the client verifies the server by.",
		Example: "  haprov forward --listen 127.0.0.1:3307\n  haprov forward readers",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			which.name = strings.Join(args, "")
			return a.forward(c.Context(), listen, which)
		},
		ValidArgsFunction: first(a.names(endpointNames(false))),
	}
	c.Flags().StringVar(&listen, "listen", "", "loopback `ADDRESS:PORT` to serve; port 0 takes a free one (default: 127.0.0.1 and the endpoint's port)")
	c.Flags().StringVar(&which.cluster, "cluster", "", "the `NAME` of the cluster, when the inventory has several")
	return c
}

// forward serves until ctx ends, which is its proper end. Without listen it is the endpoint's own port.
func (a *app) forward(ctx context.Context, listen string, which meant) error {
	host, _, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); listen != "" && (err != nil || ip == nil || !ip.IsLoopback()) {
		return errInput{fmt.Sprintf("--listen %s: expected a loopback address and a port, such as 127.0.0.1:3307", listen)}
	}
	w, err := a.way(ctx, which, false)
	if err != nil {
		return err
	}
	if listen == "" {
		listen = net.JoinHostPort("127.0.0.1", strconv.Itoa(w.at.Port))
	}
	defer w.Close()
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return errInput{fmt.Sprintf("%v; choose another address and port with --listen (port 0: any free one)", err)}
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	fmt.Fprintf(a.err, "%s serves %s\n", l.Addr(), w.at.At())
	if w.at.CA != "" {
		fmt.Fprintf(a.err, "its clients verify it by what haprov ca%s %s prints\n", a.flags(), w.at.Name)
	}
	var served sync.WaitGroup
	defer served.Wait()
	for {
		near, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		served.Go(func() {
			defer near.Close()
			far, err := w.Dial(ctx)
			if err != nil {
				fmt.Fprintln(a.err, view.Clean(err.Error()))
				return
			}
			join(ctx, near, far)
		})
	}
}

// join carries bytes both ways until one side ends or ctx does.
func join(ctx context.Context, near, far net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, func() { near.Close(); far.Close() })
	var both sync.WaitGroup
	carry := func(to, from net.Conn) {
		io.Copy(to, from)
		if w, ok := to.(interface{ CloseWrite() error }); !ok || w.CloseWrite() != nil {
			cancel()
		}
	}
	both.Go(func() { carry(far, near) })
	both.Go(func() { carry(near, far); cancel() })
	both.Wait()
}

// way loads the inventory and prepares the way to the endpoint that is meant.
func (a *app) way(ctx context.Context, which meant, sql bool) (*way, error) {
	j, err := a.load()
	if err != nil {
		return nil, err
	}
	to, err := j.endpoint(which, sql)
	if err != nil {
		return nil, err
	}
	if err := j.reach(ctx, false, nil); err != nil {
		return nil, err
	}
	return &way{job: j, to: to.cluster, at: to.endpoint}, nil
}

// errNoAnswer: the endpoint could not be reached. Trying again is safe.
var errNoAnswer = errors.New("the endpoint does not answer")
