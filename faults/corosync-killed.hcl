fault "corosync-killed" {
  about = "Corosync is killed"
  risk  = "host"
  shell {
    inject = "pgrep -x corosync >/run/haprov-drill-corosync && xargs kill -9 </run/haprov-drill-corosync"
    seen   = "while read -r p; do ! kill -0 \"$p\" 2>/dev/null || exit 1; done </run/haprov-drill-corosync"
    heal   = "rm -f /run/haprov-drill-corosync"
    gone   = "! [ -e /run/haprov-drill-corosync ]"
  }
}
