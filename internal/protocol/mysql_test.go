package protocol

import (
	"errors"
	"fmt"
	"testing"

	"github.com/go-sql-driver/mysql"
)

func TestWhatAMySQLServerRefuses(t *testing.T) {
	for _, c := range []struct {
		err            error
		refused, login bool
	}{
		{nil, false, false},
		{mysql.ErrInvalidConn, false, false},
		{&mysql.MySQLError{Number: 1045, Message: "Access denied for user 'app'"}, true, true},
		{fmt.Errorf("2 of 3: %w", &mysql.MySQLError{Number: 1146, Message: "Table 'app.t' doesn't exist"}), true, false},
	} {
		var no *Refused
		got := refusedMySQL(c.err)
		if errors.As(got, &no) != c.refused || c.refused && (no.Login != c.login || no.Code == "") || !errors.Is(got, c.err) {
			t.Errorf("%v: %#v", c.err, got)
		}
	}
}
