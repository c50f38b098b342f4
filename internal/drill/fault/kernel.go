package fault

import (
	"fmt"
	"slices"
	"strings"

	"haprov/internal/inventory"
	"haprov/internal/recipe"
	"haprov/internal/shell"
)

// byKernel is a fault of links that the hosts' own kernels bring about: each end treats what it sends to
// the other's addresses, and nothing else, so that logins, clients and fence devices are left alone. Both
// ends are armed. An interface that has a queueing discipline of its own is refused: it could not be put
// back.
func (w World) byKernel(f recipe.Fault, id string, targets []string) (Fault, error) {
	links, err := w.linksOf(f, targets)
	if err != nil {
		return nil, err
	}
	to := map[string][]string{} // by host: the addresses that it sends to
	var hosts []string
	send := func(from, address string) {
		if !slices.Contains(hosts, from) {
			hosts = append(hosts, from)
		}
		to[from] = append(to[from], address)
	}
	for _, l := range links {
		send(l.from, w.address(l.to, l.network))
		if !f.Links.OneWay {
			send(l.to, w.address(l.from, l.network))
		}
	}
	what := netem(*f.Links)
	return &onHosts{World: w, id: id, hosts: hosts, what: func(host string) recipe.ShellFault { return onWire(id, what, to[host]) }}, nil
}

func (w World) address(host, network string) string {
	h, _ := w.Inventory.Host(host)
	i := slices.IndexFunc(h.Addresses, func(a inventory.Address) bool { return a.Network == network })
	return h.Addresses[i].IP // linksOf has looked
}

// netem is what tc-netem(8) calls a fault. Frames that wait are not dropped for want of room.
func netem(f recipe.LinkFault) string {
	switch {
	case f.Delay > 0:
		return fmt.Sprintf("limit 50000 delay %dus", f.Delay.Microseconds())
	case f.Loss > 0:
		return fmt.Sprintf("loss %d%%", f.Loss)
	case f.Duplicate > 0:
		return fmt.Sprintf("duplicate %d%%", f.Duplicate)
	case f.Reorder > 0: // those that overtake are not late
		return fmt.Sprintf("limit 50000 delay 20ms reorder %d%%", f.Reorder)
	case f.Corrupt > 0:
		return fmt.Sprintf("corrupt %d%%", f.Corrupt)
	case f.Rate != "":
		return "rate " + f.Rate
	}
	return "loss 100%" // cut
}

// wire is the folder's file that says which fault is on the host's links.
const wire = "/run/haprov-drill-links"

// onWire are the commands of one host: a fourth band beside the three of tc-prio(8), for the frames to
// some addresses alone, and netem in it. The handles are haprov's own (4eaf:), which is how what it made
// is known again.
func onWire(id, netem string, to []string) recipe.ShellFault {
	const mine = `[ "$(cat ` + wire + ` 2>/dev/null)" = `
	id = shell.Quote(id)
	each := "for a in " + strings.Join(to, " ") + `; do
  dev=$(ip -o route get "$a" | sed -n 's/.* dev \([^ ]*\).*/\1/p')
`
	return recipe.ShellFault{
		Inject: `command -v tc >/dev/null || { echo "there is no tc here: Debian's package iproute2 has it"; exit 1; }
! [ -e ` + wire + ` ] || ` + mine + id + ` ] || { echo "another fault is on the links already"; exit 1; }
echo ` + id + ` >` + wire + ` || exit 1
` + each + `  case "$(tc qdisc show dev "$dev" root)" in
  "qdisc prio 4eaf: "*) ;;
  "" | "qdisc "*" 0: "*)
    tc qdisc replace dev "$dev" root handle 4eaf: prio bands 4 &&
    tc qdisc replace dev "$dev" parent 4eaf:4 handle 4eb0: netem ` + netem + ` || exit 1 ;;
  *)
    echo "$dev has a queueing discipline of its own"
    exit 1 ;;
  esac
  case $a in *:*) protocol=ipv6 priority=2 ;; *) protocol=ip priority=1 ;; esac
  tc filter add dev "$dev" parent 4eaf: protocol $protocol prio $priority flower dst_ip "$a" flowid 4eaf:4 || exit 1
done`,
		Seen: mine + id + ` ] || exit 1
` + each + `  tc qdisc show dev "$dev" | grep -q '^qdisc netem 4eb0: ' || exit 1
  tc filter show dev "$dev" parent 4eaf: | grep -qF "dst_ip $a" || exit 1
done`,
		Heal: `if ` + mine + id + ` ]; then
  for d in /sys/class/net/*; do
    d=${d##*/}
    case "$(tc qdisc show dev "$d" root)" in
    "qdisc prio 4eaf: "*) tc qdisc del dev "$d" root || exit 1 ;;
    esac
  done
  rm -f ` + wire + `
fi`,
		Gone: `! ` + mine + id + ` ]`,
	}
}
