package protocol

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
)

func TestEveryProtocolIsFoundByItsName(t *testing.T) {
	if all := Names(false); !slices.IsSorted(all) || len(slices.Compact(all)) != len(Table) {
		t.Errorf("names are not sorted, or one is there twice: %v", all)
	}
	for _, name := range Names(false) {
		if p, ok := Lookup(name); !ok || p.Name != name {
			t.Errorf("%s: %v %v", name, p, ok)
		}
	}
	if _, ok := Lookup("telnet"); ok {
		t.Error("telnet is found")
	}
	if want := []string{"mysql", "postgres"}; !slices.Equal(Names(true), want) {
		t.Errorf("SQL is spoken at %v", Names(true))
	}
}

// What the way to a server says must reach the caller: it is no refusal, and it names its sentinel.
func TestAWayThatFailsIsNoRefusal(t *testing.T) {
	gone := errors.New("no answer")
	for _, name := range Names(true) {
		p, _ := Lookup(name)
		_, err := p.Open(t.Context(), Login{User: "app", Password: "p", Database: "app", Dial: func(context.Context) (net.Conn, error) { return nil, gone }})
		var no *Refused
		if !errors.Is(err, gone) || errors.As(err, &no) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
