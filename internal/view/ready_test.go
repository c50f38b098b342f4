package view

import (
	"bytes"
	"testing"

	"haprov/internal/recipe"
)

var (
	database = recipe.Endpoint{Name: "database", Address: "192.0.2.100", Port: 3306, Protocol: "mysql"}
	readers  = recipe.Endpoint{Name: "readers", Address: "192.0.2.100", Port: 5432, Protocol: "postgres"}
	queue    = recipe.Endpoint{Name: "queue", Address: "fd00::1", Port: 5672, Protocol: "amqp"}
)

func TestReadyNamesTheHostsWhoseFencingIsNotProved(t *testing.T) {
	for _, c := range []struct {
		endpoints []recipe.Endpoint
		unproved  []string
		want      string
	}{
		{[]recipe.Endpoint{database}, nil, "ready: 192.0.2.100:3306\n"},
		{[]recipe.Endpoint{database, queue}, nil, "ready: database 192.0.2.100:3306, queue [fd00::1]:5672\n"},
		{[]recipe.Endpoint{database}, []string{"db1", "db2"}, "ready, fencing not proved for db1, db2: 192.0.2.100:3306\n  to prove it, which fences each once: haprov up --prove-fencing -i shop.hcl\n"},
		{nil, []string{"db2"}, "ready, fencing not proved for db2\n  to prove it, which fences each once: haprov up --prove-fencing -i shop.hcl\n"},
		{nil, nil, ""},
	} {
		var out bytes.Buffer
		Ready(&out, c.endpoints, " -i shop.hcl", c.unproved, false, false)
		if out.String() != c.want {
			t.Errorf("%v %q:\n%s", c.endpoints, c.unproved, out.String())
		}
	}
}

func TestTheHintsFollowWhatTheEndpointsSpeak(t *testing.T) {
	for _, c := range []struct {
		endpoints []recipe.Endpoint
		want      string
	}{
		{[]recipe.Endpoint{database}, "next:\n  haprov sql     SQL client\n  haprov status  state of the cluster\n"},
		{[]recipe.Endpoint{database, readers}, "next:\n  haprov sql          SQL client\n  haprov sql readers  SQL client, readers\n  haprov status       state of the cluster\n"},
		{[]recipe.Endpoint{queue, readers}, "next:\n  haprov forward  serve queue on loopback\n  haprov sql      SQL client\n  haprov status   state of the cluster\n"},
		{[]recipe.Endpoint{database, queue}, "next:\n  haprov sql            SQL client\n  haprov forward queue  serve it on loopback\n  haprov status         state of the cluster\n"},
	} {
		var out bytes.Buffer
		hints(&out, c.endpoints, "", false)
		if out.String() != c.want {
			t.Errorf("%v:\n%s", c.endpoints, out.String())
		}
	}
}
