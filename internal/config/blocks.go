package config

import (
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"haprov/internal/secret"
)

// The outer blocks of inventories and recipes, as the decoder fills them.

type inventoryFile struct {
	Lab      *labBlock      `hcl:"lab,block"`
	SSH      *sshBlock      `hcl:"ssh,block"`
	Networks []networkBlock `hcl:"network,block"`
	Hosts    []hostBlock    `hcl:"host,block"`
	Groups   []groupBlock   `hcl:"group,block"`
	Clusters []clusterBlock `hcl:"cluster,block"`
	Recipes  []recipeBlock  `hcl:"recipe,block"`
}

type labBlock struct {
	Name   string    `hcl:"name,label"`
	Image  string    `hcl:"image,optional" default:"debian-12" oneof:"debian-12"`
	Driver string    `hcl:"driver,optional" default:"auto" oneof:"auto,uml,kvm,tcg"`
	Memory int64     `hcl:"memory,optional" unit:"bytes"`
	CPUs   int       `hcl:"cpus,optional" min:"1" max:"64"`
	Range  hcl.Range `hcl:",range"`
}

type networkBlock struct {
	Name    string               `hcl:"name,label"`
	CIDR    string               `hcl:"cidr"`
	Carries []string             `hcl:"carries,optional" default:"ssh,ring,replication,service" oneof:"ssh,ring,replication,service"`
	Range   hcl.Range            `hcl:",range"`
	Ranges  map[string]hcl.Range `hcl:",ranges"`
}

type sshBlock struct {
	User       string   `hcl:"user,optional"`
	Port       int      `hcl:"port,optional" min:"1" max:"65535"`
	Keys       []string `hcl:"keys,optional"`
	KnownHosts []string `hcl:"known_hosts,optional"`
	OnlyKnown  *bool    `hcl:"only_known,optional"`
	Agent      *bool    `hcl:"agent,optional"`
	Sudo       *bool    `hcl:"sudo,optional"`
	Jump       string   `hcl:"jump,optional"`
	Alias      string   `hcl:"host_key_alias,optional"`
}

type hostBlock struct {
	Name     string               `hcl:"name,label"`
	Address  string               `hcl:"address,optional"`
	Networks []nicBlock           `hcl:"network,block"`
	Disks    []diskBlock          `hcl:"disk,block"`
	SSH      *sshBlock            `hcl:"ssh,block"`
	Fences   []fenceBlock         `hcl:"fence,block"`
	Vars     hclsyntax.Expression `hcl:"vars,optional"`
	Memory   int64                `hcl:"memory,optional" unit:"bytes"`
	CPUs     int                  `hcl:"cpus,optional" min:"1" max:"64"`
	Range    hcl.Range            `hcl:",range"`
	Ranges   map[string]hcl.Range `hcl:",ranges"`
}

type nicBlock struct {
	Network string               `hcl:"network,label"`
	Address string               `hcl:"address"`
	Range   hcl.Range            `hcl:",range"`
	Ranges  map[string]hcl.Range `hcl:",ranges"`
}

type diskBlock struct {
	Name   string               `hcl:"name,label"`
	Size   int64                `hcl:"size,optional" unit:"bytes"`
	Device string               `hcl:"device,optional"`
	Range  hcl.Range            `hcl:",range"`
	Ranges map[string]hcl.Range `hcl:",ranges"`
}

type fenceBlock struct {
	Agent   string                 `hcl:"agent,label"`
	Options map[string]secret.Text `hcl:"options,optional"`
	Range   hcl.Range              `hcl:",range"`
}

type groupBlock struct {
	Name  string               `hcl:"name,label"`
	Hosts hclsyntax.Expression `hcl:"hosts"`
	Vars  hclsyntax.Expression `hcl:"vars,optional"`
	Range hcl.Range            `hcl:",range"`
}

type clusterBlock struct {
	Name   string               `hcl:"name,label"`
	Recipe string               `hcl:"recipe"`
	Roles  []roleBlock          `hcl:"role,block"`
	Inputs hclsyntax.Expression `hcl:"inputs,optional"`
	Range  hcl.Range            `hcl:",range"`
	Ranges map[string]hcl.Range `hcl:",ranges"`
}

type roleBlock struct {
	Name    string               `hcl:"name,label"`
	Hosts   hclsyntax.Expression `hcl:"hosts"`
	Leaving hclsyntax.Expression `hcl:"leaving,optional"`
	Range   hcl.Range            `hcl:",range"`
}

type recipeFile struct {
	Recipes []recipeBlock `hcl:"recipe,block"`
}

type recipeBlock struct {
	Name     string               `hcl:"name,label"`
	About    string               `hcl:"about,optional"`
	Needs    []string             `hcl:"needs,optional" oneof:"fencing,replication,two_links"`
	Inputs   []inputBlock         `hcl:"input,block"`
	Roles    []wantBlock          `hcl:"role,block"`
	On       []onBlock            `hcl:"on,block"`
	Checks   []checkBlock         `hcl:"check,block"`
	Active   hclsyntax.Expression `hcl:"active,optional"`
	Endpoint hclsyntax.Expression `hcl:"endpoint,optional"`
	Range    hcl.Range            `hcl:",range"`
}

type inputBlock struct {
	Name      string               `hcl:"name,label"`
	Type      hclsyntax.Expression `hcl:"type"`
	About     string               `hcl:"about,optional"`
	Default   hclsyntax.Expression `hcl:"default,optional"`
	Sensitive bool                 `hcl:"sensitive,optional"`
	Checks    []thatBlock          `hcl:"check,block"`
	Range     hcl.Range            `hcl:",range"`
}

// thatBlock is a condition on an input's value; its label is the message. With warn, a value that
// does not fulfil it is taken all the same.
type thatBlock struct {
	Text string               `hcl:"text,label"`
	That hclsyntax.Expression `hcl:"that"`
	Warn bool                 `hcl:"warn,optional"`
}

// wantBlock says how many hosts a role takes.
type wantBlock struct {
	Name  string `hcl:"name,label"`
	About string `hcl:"about,optional"`
	Min   int    `hcl:"min,optional" default:"1" min:"1" max:"5000"`
	Max   int    `hcl:"max,optional" default:"5000" min:"1" max:"5000"`
}

type onBlock struct {
	Role  string          `hcl:"role,label"`
	Range hcl.Range       `hcl:",range"`
	Body  *hclsyntax.Body `hcl:",body"`
}

type checkBlock struct {
	Text     string               `hcl:"text,label"`
	On       string               `hcl:"on,optional" default:"one" oneof:"active,one,each"`
	Role     string               `hcl:"role,optional"`
	Run      hclsyntax.Expression `hcl:"run"`
	Deadline time.Duration        `hcl:"deadline,optional" default:"30s" min:"1s"`
	Writes   bool                 `hcl:"writes,optional"`
	Range    hcl.Range            `hcl:",range"`
}

// useBlock puts another recipe's steps in this place.
type useBlock struct {
	Recipe string               `hcl:"recipe,label"`
	Inputs hclsyntax.Expression `hcl:"inputs,optional"`
}
