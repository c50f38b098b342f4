package cli

import (
	"reflect"
	"testing"

	"haprov/internal/transport"
)

// As Vagrant 2.3.4 prints it; db2 is behind a proxy.
const vagrantPrints = `Host db1
  HostName 127.0.0.1
  User vagrant
  Port 2222
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  PasswordAuthentication no
  IdentityFile "/home/me/my machines/.vagrant/machines/db1/virtualbox/private_key"
  IdentitiesOnly yes
  LogLevel FATAL

Host db2
  HostName 192.168.121.40
  User vagrant
  Port 22
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  PasswordAuthentication no
  IdentityFile /home/me/.vagrant.d/insecure_private_key
  IdentitiesOnly yes
  LogLevel FATAL
  ProxyCommand ssh -W %h:%p far

`

func TestAddressesComeFromWhatVagrantPrints(t *testing.T) {
	want := map[string][2]string{"db1": {"2222", "127.0.0.1"}}
	if got := addressesIn(vagrantPrints); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

func TestTheErrorNamesTheMachinesThatDoNotRun(t *testing.T) {
	status := "1795245000,db1,metadata,provider,libvirt\n1795245000,db1,state,running\n1795245000,db1,state-human-short,running\n" +
		"1795245000,db2,metadata,provider,libvirt\n1795245000,db2,state,not_created\n1795245000,,ui,info,Current machine states\n"
	want := []string{"db2 is not created", "db3 is not in the Vagrantfile"}
	if got := notRunning(status, []string{"db1", "db2", "db3"}); !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}

func TestAVagrantMachineIsKnownByNameInItsOwnFile(t *testing.T) {
	config, err := transport.ParseSSHConfig([]byte(vagrantPrints))
	if err != nil {
		t.Fatal(err)
	}
	v := &vagrant{config: config, pins: map[string]string{"db1": "/pins/db1"}}
	got := v.target(transport.Target{Name: "db1", Address: "192.168.56.11", Port: 22, User: "root"})
	if got.Address != "" || got.Port != 0 || got.User != "" || !got.Become || !got.OnlyKnown || got.HostKeyAlias != "db1" || got.KnownHosts[0] != "/pins/db1" {
		t.Errorf("%+v", got)
	}
	if own := v.target(transport.Target{Name: "db1", KnownHosts: []string{"/mine"}}); own.OnlyKnown || own.KnownHosts[0] != "/mine" {
		t.Errorf("the inventory's own known_hosts are passed over: %+v", own)
	}
}
