package mysql

import (
	"encoding/hex"
	"testing"
)

// What MySQL 9.7.4 keeps of the password s3cret (HEX(authentication_string) of mysql.user): ten
// thousand rounds, twenty bytes of salt, the digest.
func TestADigestIsTheServers(t *testing.T) {
	kept, err := hex.DecodeString("244124303041244153447731055B1474393746463814687E527C234972335839782F7542496A78396C3849646B4774416E79576F4757756E6E4749556C323252727974356844")
	if err != nil || string(kept[:7]) != "$A$00A$" {
		t.Fatal(err)
	}
	if got := shaCrypt([]byte("s3cret"), kept[7:27], 10000); got != string(kept[27:]) {
		t.Errorf("%q, the server has %q", got, kept[27:])
	}
}

func TestTheSamePasswordGivesTheSameText(t *testing.T) {
	one := SHA2("s3cret", "app@%")
	if one != SHA2("s3cret", "app@%") || one == SHA2("s3cret", "drill@%") || one == SHA2("other", "app@%") || len(one) != 70 || one[:7] != "$A$005$" {
		t.Error(one)
	}
}
