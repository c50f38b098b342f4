// Package inventory says what there is: the lab, networks, hosts, groups and clusters.
//
// It is plain data that was checked when it was loaded: names are unique and safe, addresses parse
// and lie in their networks, every reference resolves. It must not know how it was written down
// (config reads it) nor what runs on the hosts.
package inventory

import "haprov/internal/secret"

// Purposes are what a network may carry.
var Purposes = []string{"ssh", "ring", "replication", "service"}

// Inventory is one inventory file.
type Inventory struct {
	Path     string // as it was given
	Lab      *Lab   // nil: the machines exist already
	Networks []Network
	Hosts    []Host // in the order written
	Groups   []Group
	Clusters []Cluster
	Secrets  *SecretSource `json:",omitempty"` // nil: they are kept on the machine that haprov runs on
}

// Lab asks for machines of the project's own.
type Lab struct {
	Name   string
	Image  string // debian-12, or the path of a file; see IsImageFile
	Driver string // auto, or a name of Drivers
	Memory int64  // bytes a machine; 0: the lab's default
	CPUs   int    // a machine; 0: the lab's default
}

// Network is one Ethernet or subnet.
type Network struct {
	Name    string
	CIDR    string
	Carries []string // purposes
}

// Host is one machine.
type Host struct {
	Name      string
	ID        int            // from 1, in the order of the inventory
	Addresses []Address      // the first is where SSH goes unless another network carries ssh
	Disks     []Disk         // in the order written
	SSH       SSH            // the inventory's defaults are filled in
	Groups    []string       // in the order written
	Vars      map[string]any // of its groups, overridden by its own; texts, numbers, bools, lists, objects
	Memory    int64          // bytes, lab only; 0: the lab's default
	CPUs      int            // lab only; 0: the lab's default
	Fence     []Fence        // none: the lab's own device, or no fencing
}

// Address is where a host stands in a network.
type Address struct {
	Network string // empty when the inventory has no networks
	IP      string // without prefix length; a DNS name when there are no networks
}

// Disk is a data disk.
type Disk struct {
	Name   string
	Size   int64  // bytes; 0: whatever the device has
	Device string // on a lab's machine /dev/disk/by-haprov/NAME
}

// SSH is how to log in.
type SSH struct {
	User       string
	Port       int      // 0: from ssh_config, else 22
	Keys       []string // private key files
	KnownHosts []string // files besides the user's and the system's
	OnlyKnown  bool     // use only KnownHosts
	Agent      bool     // offer the agent's keys too
	Sudo       bool     // become root by sudo
	Jump       string   // [user@]host[:port]
	Alias      string   // look the host key up under this name

	SudoPassword secret.Text // empty: sudo wants none
}

// Fence is a fence device of one host.
type Fence struct {
	Agent   string // fence_virsh, fence_ipmilan, ...
	Options map[string]secret.Text
}

// Group is a named set of hosts.
type Group struct {
	Name  string
	Hosts []string
}

// Cluster is one wanted stack.
type Cluster struct {
	Name   string
	Recipe string
	Roles  []Role
}

// Role is the part that some hosts play.
type Role struct {
	Name  string
	Hosts []string // in inventory order
	// Leaving are hosts that were in the role and are taken out of it, in inventory order.
	Leaving []string
}

// Host finds a host by name.
func (v *Inventory) Host(name string) (Host, bool) {
	for _, h := range v.Hosts {
		if h.Name == name {
			return h, true
		}
	}
	return Host{}, false
}

// Network finds a network by name.
func (v *Inventory) Network(name string) (Network, bool) {
	for _, n := range v.Networks {
		if n.Name == name {
			return n, true
		}
	}
	return Network{}, false
}

// Address is the host's address for a purpose: in the first network, in the order of the
// inventory, that carries it and where the host stands; else the host's first address.
func (v *Inventory) Address(h Host, purpose string) string {
	if all := v.AddressesFor(h, purpose); len(all) > 0 {
		return all[0].IP
	}
	if len(h.Addresses) > 0 {
		return h.Addresses[0].IP
	}
	return ""
}

// AddressesFor are all of the host's addresses in networks that carry the purpose, in the order
// of the networks. Corosync takes a link from each.
func (v *Inventory) AddressesFor(h Host, purpose string) (out []Address) {
	for _, n := range v.Networks {
		if !n.carries(purpose) {
			continue
		}
		for _, a := range h.Addresses {
			if a.Network == n.Name {
				out = append(out, a)
			}
		}
	}
	return out
}

func (n Network) carries(purpose string) bool {
	for _, c := range n.Carries {
		if c == purpose {
			return true
		}
	}
	return false
}
