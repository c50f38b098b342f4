package galera

import (
	"maps"
	"testing"
)

func TestProviderOptions(t *testing.T) {
	got := ParseProviderOptions("gcache.size=1G; socket.ssl = yes;pc.ignore_sb = ;garbage")
	if want := map[string]string{"gcache.size": "1G", "socket.ssl": "yes", "pc.ignore_sb": ""}; !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func FuzzProviderOptions(f *testing.F) {
	f.Add("a=b;c = d")
	f.Fuzz(func(_ *testing.T, text string) { ParseProviderOptions(text) })
}
