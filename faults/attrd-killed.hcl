fault "attrd-killed" {
  about = "Pacemaker's keeper of attributes is killed"
  risk  = "host"
  shell {
    inject = "pgrep -f ^/usr/lib/pacemaker/pacemaker-attrd >/run/haprov-drill-attrd && xargs kill -9 </run/haprov-drill-attrd"
    seen   = "while read -r p; do ! kill -0 \"$p\" 2>/dev/null || exit 1; done </run/haprov-drill-attrd"
    heal   = "rm -f /run/haprov-drill-attrd"
    gone   = "! [ -e /run/haprov-drill-attrd ]"
  }
}
