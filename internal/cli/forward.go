package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/spf13/cobra"

	"haprov/internal/view"
)

func (a *app) forwardCmd() *cobra.Command {
	listen, cluster := "127.0.0.1:3306", ""
	c := &cobra.Command{
		Use:     "forward",
		Short:   "Serve the cluster's endpoint on loopback until interrupted",
		Long:    "Each connection looks up the endpoint again, so clients that reconnect follow a failover.",
		Example: "  haprov forward --listen 127.0.0.1:3307",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.forward(c.Context(), listen, cluster)
		},
	}
	c.Flags().StringVar(&listen, "listen", listen, "loopback `ADDRESS:PORT` to serve; port 0 takes a free one")
	c.Flags().StringVar(&cluster, "cluster", "", "the `NAME` of the cluster, when the inventory has several")
	return c
}

// forward serves until ctx ends, which is its proper end.
func (a *app) forward(ctx context.Context, listen, cluster string) error {
	host, _, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return errInput{fmt.Sprintf("--listen %s: expected a loopback address and a port, such as 127.0.0.1:3306", listen)}
	}
	w, err := a.way(ctx, cluster)
	if err != nil {
		return err
	}
	defer w.Close()
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return errInput{fmt.Sprintf("%v; choose another address and port with --listen (port 0: any free one)", err)}
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	fmt.Fprintf(a.err, "%s serves %s\n", l.Addr(), w.to.Endpoint)
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

// way loads the inventory and prepares the way to its endpoint.
func (a *app) way(ctx context.Context, cluster string) (*way, error) {
	j, err := a.load()
	if err != nil {
		return nil, err
	}
	c, err := j.endpoint(cluster)
	if err != nil {
		return nil, err
	}
	if err := j.reach(ctx, false, nil); err != nil {
		return nil, err
	}
	return &way{job: j, to: c}, nil
}

// errNoAnswer: the endpoint could not be reached. Trying again is safe.
var errNoAnswer = errors.New("the endpoint does not answer")
