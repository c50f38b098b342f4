fault "fenced-killed" {
  about = "Pacemaker's fencer is killed"
  risk  = "host"
  shell {
    inject = "pgrep -f ^/usr/lib/pacemaker/pacemaker-fenced >/run/haprov-drill-fenced && xargs kill -9 </run/haprov-drill-fenced"
    seen   = "while read -r p; do ! kill -0 \"$p\" 2>/dev/null || exit 1; done </run/haprov-drill-fenced"
    heal   = "rm -f /run/haprov-drill-fenced"
    gone   = "! [ -e /run/haprov-drill-fenced ]"
  }
}
