package cli

import (
	"testing"
	"time"

	"haprov/internal/lab"
	"haprov/internal/lab/wire"
)

func TestAFaultIsToldInWords(t *testing.T) {
	way := wire.Way{From: "db1", To: "db2"}
	for want, fault := range map[string]wire.Fault{
		"db1 to db2, network ring: cut":                       {Cut: true},
		"db1 to db2, network ring: delay 50ms, loss 12.5%":    {Delay: 50 * time.Millisecond, Loss: 0.125},
		"db1 to db2, network ring: cut, delay 1s, loss 0.01%": {Cut: true, Delay: time.Second, Loss: 0.0001},
	} {
		if got := faultText(lab.Fault{Network: "ring", InForce: wire.InForce{Way: way, Fault: fault}}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
