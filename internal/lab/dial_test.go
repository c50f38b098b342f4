package lab

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"haprov/internal/lab/wire"
)

// echo makes db1's first card a network of its own whose gateway is the guest: it answers on
// port 22 with a greeting, and then repeats what it hears.
func echo(t *testing.T, c *Client) {
	t.Helper()
	run, err := runDir(c.place.dir)
	if err != nil {
		t.Fatal(err)
	}
	guest, err := wire.New(wire.Config{
		Name: "guest", Prefix: netip.MustParsePrefix("192.168.56.0/24"), Gateway: netip.MustParseAddr("192.168.56.11"),
		MAC: net.HardwareAddr{0x52, 0x54, 2, 0, 0, 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { guest.Close() })
	conn, err := net.Dial("unixpacket", run+"/db1.0")
	if err != nil {
		t.Fatal(err)
	}
	go guest.Attach("lab", conn, false)
	l, err := guest.Listen(22)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				io.WriteString(conn, "SSH-2.0-test\r\n")
				io.Copy(conn, conn)
			}()
		}
	}()
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestDialReachesAMachineThroughTheSupervisor(t *testing.T) {
	t.Setenv("HAPROV_STATE", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, _, err := supervisedUp(t, spec())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Destroy(context.WithoutCancel(ctx)) })
	echo(t, c)
	if err := c.WaitSSH(ctx, "db1"); err != nil {
		t.Fatal(err)
	}
	const long = 1 << 20
	var out strings.Builder
	if err := DialStdio(ctx, "t", "192.168.56.11:22", strings.NewReader(strings.Repeat("x", long)), &out); err != nil {
		t.Fatal(err)
	}
	if want := "SSH-2.0-test\r\n" + strings.Repeat("x", long); out.String() != want {
		t.Fatalf("%d bytes came back, want %d", out.Len(), len(want))
	}
	// ssh goes away first: an interrupt, or its end of the pipe.
	for what, out := range map[string]io.Writer{"interrupted": io.Discard, "nobody reads": broken{}} {
		gone, stop := context.WithCancel(ctx)
		in, still := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- DialStdio(gone, "t", "192.168.56.11:22", in, out) }()
		if _, err := still.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if what == "interrupted" {
			stop()
		}
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", what, err)
		}
		stop()
		in.Close()
	}
	if _, err := c.Dial(ctx, "tcp", "10.1.2.3:22"); err == nil || !strings.Contains(err.Error(), "no network") {
		t.Errorf("outside the lab: %v", err)
	}
	short, stop := context.WithTimeout(ctx, 100*time.Millisecond)
	defer stop()
	begun := time.Now()
	if _, err := c.Dial(short, "tcp", "192.168.56.12:22"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 2*time.Second {
		t.Errorf("a silent machine: %v after %v", err, time.Since(begun))
	}
}
