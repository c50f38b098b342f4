package inventory

import "encoding/json"

// Version of the JSON form; it grows when a name changes its meaning or goes away.
const Version = 1

// JSON is the inventory for other programs: `haprov inventory --json` and the Vagrantfile read it.
// Secrets are not in it. Sizes are in bytes.
func (v *Inventory) JSON() ([]byte, error) {
	out := document{Version: Version, Networks: []network{}, Hosts: []host{}, Groups: []group{}, Clusters: []cluster{}}
	if v.Lab != nil {
		out.Lab = &lab{v.Lab.Name, v.Lab.Image, v.Lab.Driver, v.Lab.Memory, v.Lab.CPUs}
	}
	for _, n := range v.Networks {
		out.Networks = append(out.Networks, network(n))
	}
	for _, h := range v.Hosts {
		out.Hosts = append(out.Hosts, v.host(h))
	}
	for _, g := range v.Groups {
		out.Groups = append(out.Groups, group{g.Name, texts(g.Hosts)})
	}
	for _, c := range v.Clusters {
		x := cluster{c.Name, c.Recipe, []group{}}
		for _, r := range c.Roles {
			x.Roles = append(x.Roles, group{r.Name, texts(r.Hosts)})
		}
		out.Clusters = append(out.Clusters, x)
	}
	b, err := json.MarshalIndent(out, "", "  ")
	return append(b, '\n'), err
}

func (v *Inventory) host(h Host) host {
	out := host{Name: h.Name, ID: h.ID, Address: v.Address(h, "ssh"), User: h.SSH.User, Port: h.SSH.Port, Memory: h.Memory, CPUs: h.CPUs,
		Addresses: []address{}, Disks: []disk{}, Groups: texts(h.Groups), Vars: h.Vars}
	if v.Lab != nil {
		if out.Memory == 0 {
			out.Memory = v.Lab.Memory
		}
		if out.CPUs == 0 {
			out.CPUs = v.Lab.CPUs
		}
	}
	for _, a := range h.Addresses {
		n, _ := v.Network(a.Network)
		out.Addresses = append(out.Addresses, address{a.Network, a.IP, n.CIDR})
	}
	for _, d := range h.Disks {
		out.Disks = append(out.Disks, disk(d))
	}
	return out
}

func texts(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

type document struct {
	Version  int       `json:"version"`
	Lab      *lab      `json:"lab,omitempty"`
	Networks []network `json:"networks"`
	Hosts    []host    `json:"hosts"`
	Groups   []group   `json:"groups"`
	Clusters []cluster `json:"clusters"`
}

type lab struct {
	Name   string `json:"name"`
	Image  string `json:"image"`
	Driver string `json:"driver"`
	Memory int64  `json:"memory,omitempty"`
	CPUs   int    `json:"cpus,omitempty"`
}

type network struct {
	Name    string   `json:"name"`
	CIDR    string   `json:"cidr"`
	Carries []string `json:"carries"`
}

type host struct {
	Name      string         `json:"name"`
	ID        int            `json:"id"`
	Address   string         `json:"address"` // for SSH
	User      string         `json:"user,omitempty"`
	Port      int            `json:"port,omitempty"`
	Memory    int64          `json:"memory,omitempty"`
	CPUs      int            `json:"cpus,omitempty"`
	Addresses []address      `json:"addresses"`
	Disks     []disk         `json:"disks"`
	Groups    []string       `json:"groups"`
	Vars      map[string]any `json:"vars,omitempty"`
}

type address struct {
	Network string `json:"network,omitempty"`
	IP      string `json:"ip"`
	CIDR    string `json:"cidr,omitempty"`
}

type disk struct {
	Name   string `json:"name"`
	Size   int64  `json:"size,omitempty"`
	Device string `json:"device"`
}

type group struct {
	Name  string   `json:"name"`
	Hosts []string `json:"hosts"`
}

type cluster struct {
	Name   string  `json:"name"`
	Recipe string  `json:"recipe"`
	Roles  []group `json:"roles"`
}
