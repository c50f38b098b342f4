package drill

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"haprov/internal/drill/history"
	"haprov/internal/drill/judge"
	"haprov/internal/inventory"
	"haprov/internal/recipe"
	"haprov/internal/status"
)

// dialled is a site that only notes where clients go.
type dialled struct{ at []string }

func (d *dialled) Look(context.Context) status.Page { return status.Page{} }
func (d *dialled) Shell(context.Context, string, string) (string, int, error) {
	return "", 0, errors.New("no host")
}
func (d *dialled) Dial(_ context.Context, at string) (net.Conn, error) {
	d.at = append(d.at, at)
	return nil, errors.New("not dialled")
}

// Clients go to the endpoint of the load's protocol, to the one for readers, and to each member's own
// address in the network that carries the service.
func TestWhereALoadsClientsGo(t *testing.T) {
	inv := &inventory.Inventory{
		Networks: []inventory.Network{{Name: "wire", Carries: []string{"replication"}}, {Name: "lan", Carries: []string{"service"}}},
		Hosts: []inventory.Host{
			{Name: "db1", Addresses: []inventory.Address{{Network: "wire", IP: "10.0.1.1"}, {Network: "lan", IP: "10.0.0.1"}}},
			{Name: "db2", Addresses: []inventory.Address{{Network: "wire", IP: "10.0.1.2"}, {Network: "lan", IP: "10.0.0.2"}}},
		},
	}
	c := recipe.Cluster{
		Roles:     []inventory.Role{{Name: "db", Hosts: []string{"db1", "db2"}}},
		Endpoints: []recipe.Endpoint{{Name: "web", Address: "10.0.0.9", Port: 80, Protocol: "http"}, {Name: "w", Address: "10.0.0.9", Port: 5432, Protocol: "postgres"}, {Name: "r", Address: "10.0.0.9", Port: 5433, Protocol: "postgres"}},
		Drills:    recipe.Drills{Load: &recipe.Load{Protocol: "postgres", User: "drill", Database: "drill", Readers: "r", Members: "db"}},
	}
	to := func(c recipe.Cluster) []string {
		site := &dialled{}
		r := run{Options: Options{Site: site, Cluster: c, Inventory: inv, Log: history.NewWriter(io.Discard, nil, history.Header{Began: time.Now()})}}
		target := r.target()
		all := slices.Concat(target.Members)
		if target.Readers != nil {
			all = append(all, target.Readers)
		}
		for _, dial := range append(all, target.Dial) {
			_, _ = dial(t.Context())
		}
		return site.at
	}
	if got, want := to(c), []string{"10.0.0.1:5432", "10.0.0.2:5432", "10.0.0.9:5433", "10.0.0.9:5432"}; !slices.Equal(got, want) {
		t.Errorf("%v, expected %v", got, want)
	}
	c.Drills.Load = &recipe.Load{Protocol: "postgres"}
	if got, want := to(c), []string{"10.0.0.9:5432"}; !slices.Equal(got, want) {
		t.Errorf("%v, expected %v", got, want)
	}
}

// Who was active is not known when no server says who it is.
func TestServersWithoutNames(t *testing.T) {
	const s = int64(time.Second)
	h := history.History{Marks: []history.Mark{{Time: 10 * s, Event: "inject"}, {Time: 10 * s, Event: "seen"}, {Time: 20 * s, Event: "heal"}, {Time: 21 * s, Event: "healthy"}}, Late: []int64{0}}
	for i := range int64(600) {
		h.Ops = append(h.Ops, history.Op{Do: "add", Seq: int(i), Call: i * s / 20, Return: i*s/20 + 1, Outcome: history.OK})
	}
	r := run{Options: Options{Drill: recipe.Drill{Expect: recipe.Expect{Active: "moves"}}}}
	if v := r.expected(Result{}, h, status.Page{}); v.Word != judge.Unknown || !strings.Contains(v.Why, "no server told its name") {
		t.Errorf("%+v", v)
	}
	for i := range h.Ops {
		h.Ops[i].Server = "db1"
	}
	if v := r.expected(Result{}, h, status.Page{}); v.Word != judge.Fail || !strings.Contains(v.Why, "stayed on db1") {
		t.Errorf("%+v", v)
	}
}
