fault "pacemaker-killed" {
  about = "Pacemaker's main process is killed"
  risk  = "stall"
  shell {
    inject = "pgrep -x pacemakerd >/run/haprov-drill-pacemakerd && xargs kill -9 </run/haprov-drill-pacemakerd"
    seen   = "while read -r p; do ! kill -0 \"$p\" 2>/dev/null || exit 1; done </run/haprov-drill-pacemakerd"
    heal   = "rm -f /run/haprov-drill-pacemakerd"
    gone   = "! [ -e /run/haprov-drill-pacemakerd ]"
  }
}
