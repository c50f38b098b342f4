fault "based-killed" {
  about = "Pacemaker's keeper of the configuration is killed"
  risk  = "host"
  shell {
    inject = "pgrep -f ^/usr/lib/pacemaker/pacemaker-based >/run/haprov-drill-based && xargs kill -9 </run/haprov-drill-based"
    seen   = "while read -r p; do ! kill -0 \"$p\" 2>/dev/null || exit 1; done </run/haprov-drill-based"
    heal   = "rm -f /run/haprov-drill-based"
    gone   = "! [ -e /run/haprov-drill-based ]"
  }
}
