package takeover

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"haprov/internal/config"
	"haprov/internal/lint"
)

// headings say what becomes of what the inventory does not say.
var headings = [parts]string{
	beside:  "The recipe has names and places of its own for these. haprov up would make its own beside what runs: rename or move them first, or build a new cluster and copy the data into it.",
	changed: "haprov up would write other values for these:",
	dropped: "These stand in files that haprov up writes whole, and would be gone:",
	stays:   "These stay as they are; haprov does not manage them:",
}

// write puts the comments around the inventory.
func (t *taking) write(problems config.Problems) {
	head := []string{
		"Written by haprov import from " + t.facts.From + ", which changed nothing there.",
		"Read it and what stands below under \"Not said\"; then haprov validate, and haprov plan, before haprov up.",
		"",
		"Found:",
	}
	for _, h := range t.facts.Hosts {
		head = append(head, "- "+h.Name+": "+found(h))
	}
	if len(t.facts.Unused) > 0 {
		head = append(head, "- not read, because nothing here has such a name: "+strings.Join(t.facts.Unused, ", "))
	}
	todo := t.secrets()
	todo = append(todo, t.look...)
	for _, p := range problems {
		if l := strings.TrimSpace(p.Summary + ". " + p.Detail); !slices.Contains(todo, l) {
			todo = append(todo, l)
		}
	}
	if len(todo) > 0 {
		head = append(head, "", "To look at:")
		for _, l := range todo {
			head = append(head, "- "+l)
		}
	}
	t.inv.Head = head
	slices.SortStableFunc(t.left, func(a, b left) int { return int(a.part) - int(b.part) })
	tail, was := []string{"Not said: " + fmt.Sprint(len(t.left)) + " things were found that this inventory and its recipe do not say."}, part(-1)
	if len(t.left) == 0 {
		tail[0] = "Not said: nothing was found that this inventory and its recipe do not say, in the files above."
	}
	for _, x := range t.left {
		if x.part != was {
			tail, was = append(tail, "", headings[x.part]), x.part
		}
		tail = append(tail, "- "+x.says())
	}
	if len(t.left) >= most {
		tail = append(tail, "- and more")
	}
	t.inv.Tail = tail
}

// secrets says how passwords and keys come to haprov, which never reads them.
func (t *taking) secrets() (out []string) {
	var adopt []string
	for _, h := range t.inv.Hosts {
		for _, f := range h.Fences {
			if f.Secret != "" {
				adopt = append(adopt, "haprov secret adopt "+f.Secret)
			}
		}
	}
	if len(adopt) > 0 {
		out = append(out, "Passwords of fence devices were not written. Add them: "+strings.Join(adopt, "; "))
	}
	switch t.inv.Cluster.Recipe {
	case "mysql-drbd":
		out = append(out, "Passwords and keys in use were not read. haprov up makes its own, unless they are given before: haprov secret adopt app (the account app of the application), haprov secret adopt drbd (shared-secret of DRBD). Corosync's key is replaced by a new one.")
	case "galera":
		out = append(out, "Passwords, keys and certificates in use were not read. haprov up makes its own; the application's is given before by haprov secret adopt app (the account app).")
	}
	return out
}

// found lists a host's files, and says what of them cannot be read.
func found(h *lint.Host) string {
	if h.Lost != "" {
		return "nothing: " + h.Lost
	}
	var have, broken []string
	add := func(name string, state lint.State, file, why string) {
		switch {
		case state == lint.Given && file != "":
			have = append(have, file)
		case state == lint.Broken:
			broken = append(broken, cmp.Or(file, name)+" cannot be read: "+why)
		}
	}
	add("corosync.conf", h.Corosync.State, h.Corosync.File, h.Corosync.Why)
	add("cib.xml", h.CIB.State, h.CIB.File, h.CIB.Why)
	add("DRBD's files", h.DRBD.State, h.DRBD.File, h.DRBD.Why)
	add("option files", h.Options.State, optionFiles(h), h.Options.Why)
	add("variables.tsv", h.Variables.State, h.Variables.File, h.Variables.Why)
	add("haproxy.cfg", h.Proxy.State, proxyFiles(h), h.Proxy.Why)
	add("keepalived.conf", h.VRRP.State, h.VRRP.File, h.VRRP.Why)
	add("addresses.txt", h.Addresses.State, h.Addresses.File, h.Addresses.Why)
	if len(have) == 0 {
		have = []string{"nothing of the cluster"}
	}
	return strings.Join(have, ", ") + strings.Join(append([]string{""}, broken...), "; ")
}

// optionFiles are those with options of a server.
func optionFiles(h *lint.Host) string {
	if h.Options.State != lint.Given {
		return h.Options.File
	}
	var out []string
	for _, o := range h.Options.Value.Server() {
		if !slices.Contains(out, o.File) {
			out = append(out, o.File)
		}
	}
	return strings.Join(out, ", ")
}

func proxyFiles(h *lint.Host) string {
	var out []string
	for _, s := range h.Proxy.Value {
		if !slices.Contains(out, s.File()) {
			out = append(out, s.File())
		}
	}
	return cmp.Or(strings.Join(out, ", "), h.Proxy.File)
}
