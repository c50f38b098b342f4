package cli

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"haprov/internal/inventory"
)

// printed is the inventory as other programs read it. Its names are a promise; fields may be added.
// What logs in, or is secret, is not in it.
type printed struct {
	Lab      *printedLab      `json:"lab"`
	Networks []printedNetwork `json:"networks"`
	Hosts    []printedHost    `json:"hosts"`
	Clusters []printedCluster `json:"clusters"`
}

type (
	printedLab struct {
		Name   string `json:"name"`
		Image  string `json:"image"`
		Driver string `json:"driver"`
	}
	printedNetwork struct {
		Name    string   `json:"name"`
		CIDR    string   `json:"cidr"`
		Carries []string `json:"carries"`
	}
	printedHost struct {
		Name      string           `json:"name"`
		Memory    int64            `json:"memory"` // bytes; 0: not said
		CPUs      int              `json:"cpus"`   // 0: not said
		Groups    []string         `json:"groups"`
		Addresses []printedAddress `json:"addresses"`
		Disks     []printedDisk    `json:"disks"`
	}
	printedAddress struct {
		Network string `json:"network"`
		IP      string `json:"ip"`
	}
	printedDisk struct {
		Name   string `json:"name"`
		Size   int64  `json:"size"` // bytes; 0: not said
		Device string `json:"device"`
	}
	printedCluster struct {
		Name   string              `json:"name"`
		Recipe string              `json:"recipe"`
		Roles  map[string][]string `json:"roles"`
	}
)

func (a *app) inventoryCmd() *cobra.Command {
	return &cobra.Command{Use: "inventory", Short: "Print the inventory as JSON, for other programs", Example: "  haprov inventory --json", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		j, err := a.loadFiles()
		if err != nil {
			return err
		}
		to := json.NewEncoder(a.documents())
		to.SetIndent("", "  ")
		return to.Encode(asPrinted(j.program.Inventory))
	}}
}

func asPrinted(v *inventory.Inventory) printed {
	p := printed{Networks: []printedNetwork{}, Hosts: []printedHost{}, Clusters: []printedCluster{}}
	memory, cpus := int64(0), 0
	if v.Lab != nil {
		p.Lab = &printedLab{v.Lab.Name, v.Lab.Image, v.Lab.Driver}
		memory, cpus = v.Lab.Memory, v.Lab.CPUs
	}
	for _, n := range v.Networks {
		p.Networks = append(p.Networks, printedNetwork{n.Name, n.CIDR, n.Carries})
	}
	for _, h := range v.Hosts {
		x := printedHost{Name: h.Name, Memory: max(h.Memory, memory), CPUs: max(h.CPUs, cpus), Groups: append([]string{}, h.Groups...), Addresses: []printedAddress{}, Disks: []printedDisk{}}
		for _, at := range h.Addresses {
			x.Addresses = append(x.Addresses, printedAddress{at.Network, at.IP})
		}
		for _, d := range h.Disks {
			x.Disks = append(x.Disks, printedDisk{d.Name, d.Size, d.Device})
		}
		p.Hosts = append(p.Hosts, x)
	}
	for _, c := range v.Clusters {
		roles := map[string][]string{}
		for _, r := range c.Roles {
			roles[r.Name] = r.Hosts
		}
		p.Clusters = append(p.Clusters, printedCluster{c.Name, c.Recipe, roles})
	}
	return p
}
