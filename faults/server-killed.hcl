fault "server-killed" {
  about = "The database server is killed"
  risk  = "failover"
  shell {
    inject = "pgrep -x mariadbd >/run/haprov-drill-mariadbd && xargs kill -9 </run/haprov-drill-mariadbd"
    seen   = "while read -r p; do ! kill -0 \"$p\" 2>/dev/null || exit 1; done </run/haprov-drill-mariadbd"
    heal   = "rm -f /run/haprov-drill-mariadbd"
    gone   = "! [ -e /run/haprov-drill-mariadbd ]"
  }
}
