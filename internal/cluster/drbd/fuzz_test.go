package drbd

import "testing"

func FuzzProgress(f *testing.F) {
	f.Add("data role:Primary\n  peer role:Secondary\n    replication:SyncSource peer-disk:Inconsistent done:12.34\n")
	f.Add("resource name:data\npeer-device out-of-sync:4096\n")
	f.Add(" 0: cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----\n    ns:1 oos:4\n\t[>....................] sync'ed:  5.0% (1/2)K\n")
	f.Fuzz(func(t *testing.T, text string) {
		Progress(text)
		OutOfSync(text)
		for minor := range ParseAll(text) {
			ParseProc(text, minor)
		}
	})
}
