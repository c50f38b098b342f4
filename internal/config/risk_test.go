package config_test

import (
	"strings"
	"testing"

	"haprov/internal/config"
	"haprov/internal/config/source"
)

// TestRisksAreToldAndTaken: set-ups that a test may want and nobody else should have.
func TestRisksAreToldAndTaken(t *testing.T) {
	hosts := "network \"n\" { cidr = \"10.0.0.0/24\" }\nhost \"a\" { address = \"10.0.0.1\" }\nhost \"b\" { address = \"10.0.0.2\" }\n"
	apart := "network \"n\" {\ncidr = \"10.0.0.0/24\"\ncarries = [\"ssh\", \"service\", \"ring\"]\n}\nnetwork \"m\" {\ncidr = \"10.1.0.0/24\"\ncarries = [\"replication\"]\n}\n" +
		"host \"a\" {\nnetwork \"n\" { address = \"10.0.0.1\" }\nnetwork \"m\" { address = \"10.1.0.1\" }\n}\nhost \"b\" {\nnetwork \"n\" { address = \"10.0.0.2\" }\nnetwork \"m\" { address = \"10.1.0.2\" }\n}\n"
	cluster := "cluster \"x\" {\nrecipe = \"r\"\nrole \"db\" { hosts = [host.a, host.b] }\n}\nrecipe \"r\" {\non \"db\" {\n"
	device := func(options string) string {
		return "network \"n\" { cidr = \"10.0.0.0/24\" }\n" + strings.ReplaceAll("host \"a\" {\naddress = \"10.0.0.1\"\nfence F\n}\nhost \"b\" {\naddress = \"10.0.0.2\"\nfence F\n}\n", "F", options)
	}
	for _, x := range []struct{ name, text, want string }{
		{"an even number of Galera members", hosts + cluster + "galera \"db\" {}\n}\n}\n", "Even number of Galera members"},
		{"a ring on the clients' network alone", hosts + cluster + "corosync \"ring\" {}\n}\n}\n", "Ring shares the clients' network"},
		{"a ring with a second link", apart + cluster + "corosync \"ring\" {}\n}\n}\n", ""},
		{"a head start that is no longer than the other's", hosts + cluster + "pacemaker \"cib\" {\nproperties = { priority-fencing-delay = \"0s\" }\nfence {}\n}\n}\n}\n", "Active node may lose the fencing race"},
		{"a head start", hosts + cluster + "pacemaker \"cib\" {\nproperties = { priority-fencing-delay = \"15s\" }\nfence {}\n}\n}\n}\n", ""},
		{"a device that tells machines by their names", device("\"fence_virsh\" { options = { ip = \"10.0.0.200\" } }"), "Two hosts have one fence device"},
		{"a lab's agent that fences nothing", "lab \"l\" {}\n" + strings.Replace(device("\"fence_dummy\" {}"), "10.0.0.1\"", "10.0.0.3\"", 1), "Fence agent fences nothing Fence agent fences nothing"},
	} {
		p, problems := config.Load("x.hcl", config.Options{Text: []byte(x.text), Secrets: secrets{}})
		var got []string
		for _, r := range problems {
			got = append(got, r.Summary)
			if r.Severity != source.Warning || r.Line == 0 {
				t.Errorf("%s: %+v", x.name, r)
			}
		}
		if p == nil || strings.Join(got, " ") != x.want {
			t.Errorf("%s: found %q, want %q\n%s", x.name, got, x.want, problems.Render(100, false))
		}
	}
}
