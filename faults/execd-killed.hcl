fault "execd-killed" {
  about = "Pacemaker's executor of resource agents is killed"
  risk  = "host"
  shell {
    inject = "pgrep -f ^/usr/lib/pacemaker/pacemaker-execd >/run/haprov-drill-execd && xargs kill -9 </run/haprov-drill-execd"
    seen   = "while read -r p; do ! kill -0 \"$p\" 2>/dev/null || exit 1; done </run/haprov-drill-execd"
    heal   = "rm -f /run/haprov-drill-execd"
    gone   = "! [ -e /run/haprov-drill-execd ]"
  }
}
