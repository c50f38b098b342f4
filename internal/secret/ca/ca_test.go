package ca

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"
)

func made(t *testing.T) (authority, member string) {
	t.Helper()
	authority, err := New("shop", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	member, err = Issue(authority, "db1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return authority, member
}

// believed is what each end of a connection asks of the other's certificate.
func believed(t *testing.T, authority, member string, use x509.ExtKeyUsage) bool {
	t.Helper()
	root, _, err := Split(authority)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := Split(member)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(root))
	_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: "db1", KeyUsages: []x509.ExtKeyUsage{use}})
	return err == nil
}

func TestMembersTrustEachOtherAndNobodyElse(t *testing.T) {
	authority, member := made(t)
	other, stranger := made(t)
	for _, use := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if !believed(t, authority, member, use) {
			t.Error("a member is not believed")
		}
		if believed(t, authority, stranger, use) {
			t.Error("a stranger is believed")
		}
		if forged, err := Issue(member, "db1", time.Now()); err == nil && believed(t, authority, forged, use) {
			t.Error("a member signed another one")
		}
	}
	for what, x := range map[string]struct {
		authority, text, name string
		want                  bool
	}{
		"its own":           {authority, member, "db1", true},
		"another name":      {authority, member, "db2", false},
		"another authority": {other, member, "db1", false},
		"garbage":           {authority, "garbage", "db1", false},
	} {
		if got := Signed(x.authority, x.text, x.name); got != x.want {
			t.Errorf("%s: %v", what, got)
		}
	}
}

func TestAMixedUpTextIsRefused(t *testing.T) {
	a, m := made(t)
	cert, _, _ := Split(a)
	_, key, _ := Split(m)
	for _, bad := range []string{"", "garbage", cert, key, cert + key, strings.Repeat(key, 2)} {
		if _, _, err := Split(bad); err == nil {
			t.Errorf("%.30q was taken", bad)
		}
		if _, err := Issue(bad, "db1", time.Now()); err == nil {
			t.Errorf("%.30q signed", bad)
		}
	}
}
