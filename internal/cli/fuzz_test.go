package cli

import "testing"

// What vagrant prints comes from files that it keeps, and from its plugins.
func FuzzVagrant(f *testing.F) {
	f.Add("Host db1\n  HostName 127.0.0.1\n  Port 2222\n  ProxyCommand x\n")
	f.Add("1700000000,db1,state,poweroff\n")
	f.Fuzz(func(_ *testing.T, text string) {
		addressesIn(text)
		notRunning(text, []string{"db1", "db2"})
	})
}
