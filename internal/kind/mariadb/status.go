package mariadb

import (
	"haprov/internal/cluster/mysql"
	"haprov/internal/probe"
	"haprov/internal/status"
)

// Sense shows the server on each host where one runs.
func (m *MySQLDatabase) Sense() status.Sensor {
	return status.Sense[mysql.Server]{
		Layer: status.Servers,
		Ask:   func(string) []probe.Query { return []probe.Query{m.query()} },
		Read: func(_ string, s probe.Seen) (*mysql.Server, error) {
			if a := s.Get(m.query()); a.State == probe.Answered && mysql.NotRunning(a.Out) {
				return nil, nil // as on a standby
			}
			text, ok, err := status.Answer(s, m.query())
			if !ok {
				return nil, status.Named("server", err)
			}
			x, err := mysql.Parse(text)
			if err != nil {
				return nil, status.Named("server", err)
			}
			return &x, nil
		},
		Columns: []status.Column[mysql.Server]{{Head: "DATABASE", Once: true, Cell: mysql.Server.String}},
	}
}
