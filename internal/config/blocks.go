package config

import (
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"haprov/internal/secret"
)

// The outer blocks of inventories and recipes, as the decoder fills them.

type inventoryFile struct {
	Lab      *labBlock      `hcl:"lab,block" about:"Virtual machines that haprov makes for this inventory; without this block the machines exist already"`
	SSH      *sshBlock      `hcl:"ssh,block" about:"How to log in to every host"`
	Networks []networkBlock `hcl:"network,block" about:"A network of the hosts, and the traffic it carries"`
	Hosts    []hostBlock    `hcl:"host,block" about:"A machine"`
	Groups   []groupBlock   `hcl:"group,block" about:"Hosts that share variables"`
	Clusters []clusterBlock `hcl:"cluster,block" about:"A recipe applied to hosts"`
	Recipes  []recipeBlock  `hcl:"recipe,block" about:"A recipe written in the inventory itself"`
	Secrets  *secretsBlock  `hcl:"secrets,block" about:"Where a team keeps its secrets, by one of the blocks in it; without this block they are kept on the machine that haprov runs on"`
}

type labBlock struct {
	Name   string    `hcl:"name,label" about:"Name of the lab"`
	Image  string    `hcl:"image,optional" default:"debian-12" oneof:"debian-12,debian-13,debian-sid,*.box,*.qcow2" about:"Operating system of its machines, or the path of a file that holds it: a Vagrant box of provider libvirt, or a disk, with Debian 12 or later that boots by BIOS. A relative path starts at the folder of the inventory. Drivers kvm, tcg and libvirt run such a file"`
	Driver string    `hcl:"driver,optional" default:"auto" oneof:"auto,uml,kvm,tcg,libvirt" about:"Virtualization driver; auto selects the fastest of uml, kvm and tcg that works here"`
	Memory int64     `hcl:"memory,optional" unit:"bytes" about:"Memory of each machine that sets none itself; 1 GiB when omitted"`
	CPUs   int       `hcl:"cpus,optional" min:"1" max:"64" about:"Processors of each machine that sets none itself; one when omitted"`
	Range  hcl.Range `hcl:",range"`

	Ranges map[string]hcl.Range `hcl:",ranges"`
}

type networkBlock struct {
	Name    string               `hcl:"name,label" about:"Name of the network"`
	CIDR    string               `hcl:"cidr" about:"Its addresses, as 192.168.56.0/24"`
	Carries []string             `hcl:"carries,optional" default:"ssh,ring,replication,service" oneof:"ssh,ring,replication,service" about:"What it is for"`
	Range   hcl.Range            `hcl:",range"`
	Ranges  map[string]hcl.Range `hcl:",ranges"`
}

type sshBlock struct {
	User       string   `hcl:"user,optional" about:"Login name"`
	Port       int      `hcl:"port,optional" min:"1" max:"65535" about:"Port of sshd"`
	Keys       []string `hcl:"keys,optional" about:"Files of private keys"`
	KnownHosts []string `hcl:"known_hosts,optional" about:"Files with pinned host keys"`
	OnlyKnown  *bool    `hcl:"only_known,optional" about:"Ignore the known_hosts files of the user and of the system"`
	Agent      *bool    `hcl:"agent,optional" about:"Offer the keys of the SSH agent too; true when left out"`
	Sudo       *bool    `hcl:"sudo,optional" about:"Become root by sudo"`
	Jump       string   `hcl:"jump,optional" about:"Jump hosts, as in ssh -J"`
	Alias      string   `hcl:"host_key_alias,optional" about:"Name under which the host key is pinned"`

	SudoPassword secret.Text `hcl:"sudo_password,optional" about:"Password for sudo: secret(\"NAME\"), added with haprov secret adopt NAME"`

	Range hcl.Range `hcl:",range"`
}

type hostBlock struct {
	Name     string               `hcl:"name,label" about:"Name of the host"`
	Address  string               `hcl:"address,optional" about:"Its address, when it has one network"`
	Networks []nicBlock           `hcl:"network,block" about:"Its address in one of several networks"`
	Disks    []diskBlock          `hcl:"disk,block" about:"A disk that recipes may use"`
	SSH      *sshBlock            `hcl:"ssh,block" about:"How to log in, where it differs from the common ssh block"`
	Fences   []fenceBlock         `hcl:"fence,block" about:"How to cut its power"`
	Vars     hclsyntax.Expression `hcl:"vars,optional" about:"Values for recipes: each.host.vars"`
	Memory   int64                `hcl:"memory,optional" unit:"bytes" about:"Memory of a lab's machine"`
	CPUs     int                  `hcl:"cpus,optional" min:"1" max:"64" about:"Processors of a lab's machine"`
	Range    hcl.Range            `hcl:",range"`
	Ranges   map[string]hcl.Range `hcl:",ranges"`
}

type nicBlock struct {
	Network string               `hcl:"network,label" about:"Name of the network"`
	Address string               `hcl:"address" about:"The address there"`
	Range   hcl.Range            `hcl:",range"`
	Ranges  map[string]hcl.Range `hcl:",ranges"`
}

type diskBlock struct {
	Name   string               `hcl:"name,label" about:"Name of the disk"`
	Size   int64                `hcl:"size,optional" unit:"bytes" about:"Size, in a lab"`
	Device string               `hcl:"device,optional" about:"Path of the device on a real machine; names below /dev/disk/by-id are stable"`
	Range  hcl.Range            `hcl:",range"`
	Ranges map[string]hcl.Range `hcl:",ranges"`
}

type fenceBlock struct {
	Agent   string                 `hcl:"agent,label" about:"Name of the fence agent, as fence_ipmilan"`
	Options map[string]secret.Text `hcl:"options,optional" about:"The agent's options"`
	Range   hcl.Range              `hcl:",range"`
}

type groupBlock struct {
	Name  string               `hcl:"name,label" about:"Name of the group"`
	Hosts hclsyntax.Expression `hcl:"hosts" about:"Its hosts: host.NAME"`
	Vars  hclsyntax.Expression `hcl:"vars,optional" about:"Values for all its hosts"`
	Range hcl.Range            `hcl:",range"`
}

type clusterBlock struct {
	Name   string               `hcl:"name,label" about:"Name of the cluster"`
	Recipe string               `hcl:"recipe" about:"Name of the recipe"`
	Roles  []roleBlock          `hcl:"role,block" about:"The hosts of one role"`
	Inputs hclsyntax.Expression `hcl:"inputs,optional" about:"Values for the recipe's inputs"`
	Drills *consentBlock        `hcl:"drills,block" about:"What haprov drill may do to machines that are not a lab's; without this block, nothing"`
	Backup *backupBlock         `hcl:"backup,block" about:"Where copies of the data are kept, and when they are made; without this block, none are"`
	Range  hcl.Range            `hcl:",range"`
	Ranges map[string]hcl.Range `hcl:",ranges"`
}

type backupBlock struct {
	Repository string    `hcl:"repository" about:"A restic repository that every host reaches: /FOLDER, or sftp:USER@HOST:/FOLDER with root's own SSH key"`
	Schedule   string    `hcl:"schedule,optional" default:"daily" about:"When copies are made, as systemd's OnCalendar: daily, *-*-* 02:30"`
	Daily      int       `hcl:"keep_daily,optional" default:"7" min:"1" max:"9999" about:"Days of which the last copy is kept; of the last two, all are"`
	Weekly     int       `hcl:"keep_weekly,optional" default:"4" min:"0" max:"9999" about:"Weeks of which the last copy is kept"`
	Monthly    int       `hcl:"keep_monthly,optional" default:"3" min:"0" max:"9999" about:"Months of which the last copy is kept"`
	Logs       string    `hcl:"logs,optional" default:"*:0/5" about:"When the logs are saved between two copies, as OnCalendar: what was written since is lost with all hosts"`
	Prove      string    `hcl:"prove,optional" default:"Sun 05:00" about:"When the last copy is restored beside the server and compared, as OnCalendar"`
	RestoreIn  string    `hcl:"restore_in,optional" default:"/var/lib/haprov-restored" about:"Folder of each host, with room for all data, in which restored servers are made"`
	Range      hcl.Range `hcl:",range"`
}

type consentBlock struct {
	Allow  []string  `hcl:"allow" oneof:"stall,failover,host" about:"The risks that are taken: stall (writes wait), failover, host (a machine is lost for a while)"`
	Window string    `hcl:"window,optional" about:"When, in this machine's time, as \"02:00-05:00\" or \"Sun 02:00-05:00\"; always when omitted"`
	Range  hcl.Range `hcl:",range"`
}

type roleBlock struct {
	Name    string               `hcl:"name,label" about:"Name of one of the recipe's roles"`
	Hosts   hclsyntax.Expression `hcl:"hosts" about:"Its hosts: host.NAME, group.NAME.hosts"`
	Leaving hclsyntax.Expression `hcl:"leaving,optional" about:"Hosts to remove from the cluster before anything else is changed"`
	Range   hcl.Range            `hcl:",range"`
	Ranges  map[string]hcl.Range `hcl:",ranges"`
}

type recipeFile struct {
	Recipes []recipeBlock `hcl:"recipe,block"`
}

type recipeBlock struct {
	Name      string               `hcl:"name,label" about:"Name of the recipe, and of its file"`
	About     string               `hcl:"about,optional" text:"lines" about:"What it provides, in one sentence"`
	Needs     []string             `hcl:"needs,optional" oneof:"fencing,replication,two_links" about:"What the machines and networks must provide"`
	Inputs    []inputBlock         `hcl:"input,block" about:"A value that the inventory gives"`
	Roles     []wantBlock          `hcl:"role,block" about:"How many hosts a role takes; the role all always exists"`
	On        []onBlock            `hcl:"on,block" about:"Steps for the hosts of a role, in the order written"`
	Checks    []checkBlock         `hcl:"check,block" about:"A check that the service works"`
	Active    hclsyntax.Expression `hcl:"active,optional" about:"Shell command that succeeds only on the active host"`
	Endpoints []endpointBlock      `hcl:"endpoint,block" about:"A service that the cluster offers to its clients; the first is the main one"`
	Backup    bool                 `hcl:"backup,optional" about:"It has steps for a cluster's backup block, which they see as backup"`
	Promises  []promiseBlock       `hcl:"promise,block" about:"What the cluster keeps through every drill"`
	Load      *loadBlock           `hcl:"load,block" about:"How a drill uses the service"`
	Stations  []stationBlock       `hcl:"station,block" about:"A part of an outage, in the order they happen: it ends when a host's journal has the line"`
	Drills    []drillBlock         `hcl:"drill,block" about:"An experiment: faults, and what is expected of them"`
	Mutants   []mutantBlock        `hcl:"mutant,block" about:"The recipe with one thing made worse, which a drill must notice: haprov drill calibrate"`
	Range     hcl.Range            `hcl:",range"`
}

type endpointBlock struct {
	Name     string               `hcl:"name,label" about:"Name of the endpoint, as haprov sql and haprov forward take it"`
	About    string               `hcl:"about,optional" text:"lines" about:"What it is for, in a few words"`
	Address  hclsyntax.Expression `hcl:"address" about:"Where clients connect: an address, as cidraddress(input.vip), or a name"`
	Port     hclsyntax.Expression `hcl:"port" about:"TCP port"`
	Protocol string               `hcl:"protocol,optional" default:"tcp" oneof:"@protocols" about:"What clients speak; tcp is any that is not listed"`
	CA       hclsyntax.Expression `hcl:"ca,optional" about:"Certificates, as PEM, that clients verify the endpoint by, as authority(): the endpoint has TLS, and haprov's own clients use nothing else. Left out: it has none"`
	Range    hcl.Range            `hcl:",range"`
}

type promiseBlock struct {
	Text    string    `hcl:"text,label" about:"What is promised, in words"`
	Judge   string    `hcl:"judge" oneof:"acked,outage,writers,endpoint,reads,register,bank,append,session,digest" about:"Who judges it from the history"`
	Informs bool      `hcl:"informs,optional" about:"What the judge finds is told, and fails no drill"`
	Range   hcl.Range `hcl:",range"`
}

type loadBlock struct {
	Protocol string               `hcl:"protocol,label" about:"What the clients speak"`
	User     string               `hcl:"user" about:"Account of the clients; the secret of that name is its password"`
	Database string               `hcl:"database" about:"Their own database"`
	Scan     hclsyntax.Expression `hcl:"scan,optional" about:"Shell command that prints what a host holds, an id a line"`
	ScanOn   string               `hcl:"scan_on,optional" default:"active" oneof:"active,each" about:"Where it can be asked"`
	Readers  string               `hcl:"readers,optional" about:"Name of the endpoint for readers: clients write through the load's endpoint and read their own writes there"`
	Members  string               `hcl:"members,optional" about:"Role whose hosts are written to at their own addresses too, at the endpoint's port: a virtual IP hides a second writer"`
	Range    hcl.Range            `hcl:",range"`
}

type stationBlock struct {
	Name  string    `hcl:"name,label" about:"Name of the part that ends with it"`
	Line  string    `hcl:"line" about:"Regular expression for the line"`
	Range hcl.Range `hcl:",range"`
}

type drillBlock struct {
	Name   string       `hcl:"name,label" about:"Name of the drill"`
	About  string       `hcl:"about" about:"What happens, in one sentence"`
	Suites []string     `hcl:"suites,optional" default:"full" about:"The suites that it belongs to"`
	Faults []boundBlock `hcl:"fault,block" about:"A fault by its name, and its target"`
	Expect *expectBlock `hcl:"expect,block" about:"What should come of it"`
	Range  hcl.Range    `hcl:",range"`
}

type boundBlock struct {
	Name  string        `hcl:"name,label" about:"Name of the fault: a file in the folder faults"`
	On    string        `hcl:"on" about:"Its target: active, standby, holder (of the endpoint's address), all, or one host of the role of that name"`
	After time.Duration `hcl:"after,optional" default:"0s" about:"How long after the first fault"`
	Hold  time.Duration `hcl:"hold,optional" default:"0s" about:"How long it stays; until the service is back when omitted"`
	Range hcl.Range     `hcl:",range"`
}

type expectBlock struct {
	Active string               `hcl:"active,optional" oneof:"moves,stays,none" about:"The active side: it moves to another host, stays, or there is none while the fault lasts; when omitted, nothing is expected of it"`
	Fenced []string             `hcl:"fenced,optional" about:"Targets that are fenced: these and no others"`
	Stall  hclsyntax.Expression `hcl:"stall,optional" about:"The longest time in which no write is acknowledged, as \"25s\"; as outage when omitted"`
	Outage hclsyntax.Expression `hcl:"outage" about:"The longest time in which no new client is served, as \"60s\""`
	Range  hcl.Range            `hcl:",range"`
}

type mutantBlock struct {
	Name     string         `hcl:"name,label" about:"Name of the mutant"`
	About    string         `hcl:"about" about:"What is worse, in one sentence"`
	Drill    string         `hcl:"drill" about:"The drill that must notice"`
	Breaks   string         `hcl:"breaks" about:"The promise that it must find broken"`
	Replaces []replaceBlock `hcl:"replace,block" about:"A text that is another one in the mutant"`
	Range    hcl.Range      `hcl:",range"`
}

type replaceBlock struct {
	In    string    `hcl:"in" about:"The file, as recipes/NAME.hcl or templates/NAME"`
	From  string    `hcl:"from" text:"lines" about:"The text, which stands there once; of a recipe the first place counts"`
	To    string    `hcl:"to" text:"lines" about:"What it is in the mutant"`
	Range hcl.Range `hcl:",range"`
}

type faultFile struct {
	Faults []faultBlock `hcl:"fault,block"`
}

type faultBlock struct {
	Name  string           `hcl:"name,label" about:"Name of the fault, and of its file"`
	About string           `hcl:"about" about:"What happens, in one sentence"`
	Risk  string           `hcl:"risk" oneof:"stall,failover,host,cluster,data" about:"What it may cost: writes that wait, a failover, a machine, the service, data"`
	Lab   *labFaultBlock   `hcl:"lab,block" about:"How a lab brings it about"`
	Links *linkFaultBlock  `hcl:"links,block" about:"What happens on the target's links"`
	Shell *shellFaultBlock `hcl:"shell,block" about:"How root of the host brings it about"`
	Range hcl.Range        `hcl:",range"`
}

type labFaultBlock struct {
	Power string    `hcl:"power,optional" oneof:"off,cycle" about:"off: the plug is pulled until the fault is healed; cycle: it is put in again at once"`
	Pause bool      `hcl:"pause,optional" about:"The machine stands still as a whole"`
	Fence string    `hcl:"fence,optional" oneof:"refuses" about:"Its fence device refuses"`
	Range hcl.Range `hcl:",range"`
}

type linkFaultBlock struct {
	Cut       bool          `hcl:"cut,optional" about:"All frames are dropped"`
	Delay     time.Duration `hcl:"delay,optional" default:"0s" about:"Each frame is held up"`
	Loss      int           `hcl:"loss,optional" min:"0" max:"100" about:"So many percent of the frames are dropped"`
	Duplicate int           `hcl:"duplicate,optional" min:"0" max:"100" about:"So many percent of the frames are sent twice"`
	Reorder   int           `hcl:"reorder,optional" min:"0" max:"100" about:"So many percent of the frames overtake the others, which are 20 ms late"`
	Corrupt   int           `hcl:"corrupt,optional" min:"0" max:"100" about:"So many percent of the frames have a bit changed"`
	Rate      string        `hcl:"rate,optional" about:"No more than this is sent, as tc writes it: 1mbit"`
	To        string        `hcl:"to,optional" default:"peers" oneof:"peers,gateway,all" about:"Which links: to the other hosts, to the gateway with its fence device and clients, both. Where there is no lab, peers alone"`
	Carries   string        `hcl:"carries,optional" oneof:"ssh,ring,replication,service" about:"Only networks that carry this"`
	OneWay    bool          `hcl:"one_way,optional" about:"Only what the target sends"`
	Range     hcl.Range     `hcl:",range"`
}

type shellFaultBlock struct {
	Inject string    `hcl:"inject" text:"lines" about:"Command that brings it about"`
	Seen   string    `hcl:"seen" text:"lines" about:"Command that succeeds while it is in force"`
	Heal   string    `hcl:"heal" text:"lines" about:"Command that ends it; it may be repeated"`
	Gone   string    `hcl:"gone" text:"lines" about:"Command that succeeds when it is over"`
	Range  hcl.Range `hcl:",range"`
}

type inputBlock struct {
	Name      string               `hcl:"name,label" about:"Name of the input"`
	Type      hclsyntax.Expression `hcl:"type" about:"string, number, bool, any, vip, duration, port, list(T), map(T)"`
	About     string               `hcl:"about,optional" text:"lines" about:"What it is for"`
	Default   hclsyntax.Expression `hcl:"default,optional" about:"Value when the inventory gives none; it may use inputs before it"`
	Sensitive bool                 `hcl:"sensitive,optional" about:"Never shown"`
	Checks    []thatBlock          `hcl:"check,block" about:"A condition on the value"`
	Range     hcl.Range            `hcl:",range"`
}

// thatBlock is a condition on an input's value; its label is the message. With warn, a value that
// does not fulfil it is taken all the same.
type thatBlock struct {
	Text string               `hcl:"text,label" about:"The message when the condition is false"`
	That hclsyntax.Expression `hcl:"that" about:"The condition, over value and, as input.NAME, the inputs written before this one"`
	Warn bool                 `hcl:"warn,optional" about:"Warn only"`
}

// wantBlock says how many hosts a role takes.
type wantBlock struct {
	Name  string `hcl:"name,label" about:"Name of the role"`
	About string `hcl:"about,optional" text:"lines" about:"What it does"`
	Min   int    `hcl:"min,optional" default:"1" min:"0" max:"5000" about:"Minimum number of hosts; 0: an inventory may leave the role out"`
	Max   int    `hcl:"max,optional" default:"5000" min:"1" max:"5000" about:"Maximum number of hosts"`
	Apart bool   `hcl:"apart,optional" about:"Its hosts are none of the cluster's members: what the recipe needs of machines is not asked of them"`
}

type onBlock struct {
	Role   string          `hcl:"role,label" about:"Name of the role; all is every host of the cluster"`
	Serial int             `hcl:"serial,optional" min:"1" max:"5000" about:"Number of hosts that run these steps at once, one batch after the other in the inventory's order; when a host fails, those of later batches are left alone. Without it all run at once"`
	Range  hcl.Range       `hcl:",range"`
	Body   *hclsyntax.Body `hcl:",body"`
}

type checkBlock struct {
	Text     string               `hcl:"text,label" about:"What is checked, in words"`
	On       string               `hcl:"on,optional" default:"one" oneof:"active,one,each" about:"Where it must succeed"`
	Role     string               `hcl:"role,optional" about:"Only on hosts of this role"`
	Run      hclsyntax.Expression `hcl:"run" about:"Shell command; exit 0 is success"`
	Deadline time.Duration        `hcl:"deadline,optional" default:"30s" min:"1s" about:"How long it is tried"`
	Writes   bool                 `hcl:"writes,optional" about:"The check writes: it runs only after a change, or with haprov verify"`
	Range    hcl.Range            `hcl:",range"`
}

// useBlock puts another recipe's steps in this place.
type useBlock struct {
	Recipe string               `hcl:"recipe,label" about:"Name of the other recipe"`
	Inputs hclsyntax.Expression `hcl:"inputs,optional" about:"Values for its inputs"`
}
