// Package protocol lists what services speak, and holds the SQL clients of those that speak SQL. It must
// not know of clusters, nor how a server is reached: connections are made by the caller.
package protocol

import (
	"context"
	"net"
)

// Protocol is what a service speaks with its clients, over one TCP connection each.
type Protocol struct {
	Name string
	// Open logs in and gives a client of the protocol's SQL; nil: it is none for SQL. The error is a
	// *Refused when the server would not let the user in.
	Open func(context.Context, Login) (Client, error)
}

// Table lists what an endpoint may declare. What is not in it is tcp, of which nothing is known.
var Table = []Protocol{
	{Name: "amqp"},
	{Name: "http"},
	{Name: "https"},
	{Name: "mysql", Open: openMySQL},
	{Name: "nfs"},
	{Name: "postgres", Open: openPostgres},
	{Name: "redis"},
	{Name: "tcp"},
}

// Lookup finds a protocol by its name.
func Lookup(name string) (Protocol, bool) {
	for _, p := range Table {
		if p.Name == name {
			return p, true
		}
	}
	return Protocol{}, false
}

// Names are all protocols, or with sql those that have a client.
func Names(sql bool) (out []string) {
	for _, p := range Table {
		if !sql || p.Open != nil {
			out = append(out, p.Name)
		}
	}
	return out
}

// Login says who connects, and how the server is reached.
type Login struct {
	User, Password, Database string
	Dial                     func(context.Context) (net.Conn, error)
	Trust                    Trust
}

// Client is one session with a server, so that what a statement sets holds for the next. It is for one
// goroutine.
type Client interface {
	// Run runs one statement or several and hands out their results in order. The error is a *Refused
	// when the server did not take a statement; the session goes on then.
	Run(ctx context.Context, statements string, to Results) error
	Close()
}

// Results takes what statements give: the names of a result's columns, none for a statement without
// rows, then its rows. A nil value is NULL. Rows are valid until the call returns.
type Results struct {
	Columns func(names []string)
	Row     func(values []*string)
}

// Refused is a server's refusal in its own words.
type Refused struct {
	Err   error
	Code  string // MySQL's error number, PostgreSQL's SQLSTATE
	Login bool   // the user's name and password are not taken
}

func (r *Refused) Error() string { return r.Err.Error() }
func (r *Refused) Unwrap() error { return r.Err }
