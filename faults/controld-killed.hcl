fault "controld-killed" {
  about = "Pacemaker's controller is killed"
  risk  = "host"
  shell {
    inject = "pgrep -f ^/usr/lib/pacemaker/pacemaker-controld >/run/haprov-drill-controld && xargs kill -9 </run/haprov-drill-controld"
    seen   = "while read -r p; do ! kill -0 \"$p\" 2>/dev/null || exit 1; done </run/haprov-drill-controld"
    heal   = "rm -f /run/haprov-drill-controld"
    gone   = "! [ -e /run/haprov-drill-controld ]"
  }
}
