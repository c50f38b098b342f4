fault "keepalived-killed" {
  about = "keepalived, which holds the virtual IP, is killed"
  risk  = "failover"
  shell {
    inject = "pgrep -x keepalived >/run/haprov-drill-keepalived && xargs kill -9 </run/haprov-drill-keepalived"
    seen   = "while read -r p; do ! kill -0 \"$p\" 2>/dev/null || exit 1; done </run/haprov-drill-keepalived"
    heal   = "rm -f /run/haprov-drill-keepalived"
    gone   = "! [ -e /run/haprov-drill-keepalived ]"
  }
}
