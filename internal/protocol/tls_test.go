package protocol_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"haprov/internal/protocol"
	"haprov/internal/protocol/protocoltest"
	"haprov/internal/secret/ca"
)

func authority(t *testing.T) string {
	t.Helper()
	text, err := ca.New("shop", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func member(t *testing.T, authority string, addresses ...string) string {
	t.Helper()
	text, err := ca.Issue(authority, "db1", time.Now(), addresses...)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A server is verified by its authority and its address; one that is not gets no password. One that
// requires TLS refuses others, and reads a renewed certificate without a restart.
func TestAMySQLServerIsVerifiedOverTLS(t *testing.T) {
	t.Parallel()
	own := authority(t)
	server := protocoltest.MariaDBTLS(t, own, member(t, own, "127.0.0.1"))
	mysql, _ := protocol.Lookup("mysql")
	asked := func(l protocol.Login, statement string) (string, error) {
		client, err := mysql.Open(t.Context(), l)
		if err != nil {
			return "", err
		}
		defer client.Close()
		var got []result
		if err := client.Run(t.Context(), statement, collect(&got)); err != nil {
			t.Fatal(err)
		}
		if len(got[0].Rows) == 0 {
			return "", nil
		}
		return got[0].Rows[0][1], nil
	}
	if v, err := asked(server.Login, "SHOW STATUS LIKE 'Ssl_version'"); err != nil || !strings.HasPrefix(v, "TLSv1.") {
		t.Errorf("over TLS: %q %v", v, err)
	}

	plain, stranger, elsewhere := server.Login, server.Login, server.Login
	plain.Trust = protocol.Trust{}
	var no *protocol.Refused
	if _, err := asked(plain, "SELECT 1, 1"); !errors.As(err, &no) {
		t.Errorf("without TLS: %v", err)
	}
	stranger.Trust.CA, _, _ = ca.Split(authority(t))
	elsewhere.Trust.Name = "192.168.56.100"
	for what, l := range map[string]protocol.Login{"unknown authority": stranger, "not 192.168.56.100": elsewhere} {
		_, err := asked(l, "SELECT 1, 1")
		if err == nil || errors.As(err, &no) || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), "no password was sent") {
			t.Errorf("%s: %v", what, err)
		}
	}

	server.Renew(member(t, own, "127.0.0.1", "192.168.56.100"))
	if _, err := asked(server.Login, "FLUSH LOCAL SSL"); err != nil {
		t.Error(err)
	}
	if _, err := asked(elsewhere, "SELECT 1, 1"); err != nil {
		t.Errorf("a renewed certificate that is good for one address more: %v", err)
	}
}

// A server without TLS gets no password from a client that is to verify it.
func TestAMySQLServerWithoutTLSIsNotUsed(t *testing.T) {
	t.Parallel()
	login := protocoltest.MariaDB(t)
	login.Trust.CA, _, _ = ca.Split(authority(t))
	login.Trust.Name = "127.0.0.1"
	mysql, _ := protocol.Lookup("mysql")
	if _, err := mysql.Open(t.Context(), login); err == nil || !strings.Contains(err.Error(), "haprov up sets TLS up") {
		t.Errorf("%v", err)
	}
}
