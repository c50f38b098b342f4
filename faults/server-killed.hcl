fault "server-killed" {
  about = "The database server is killed"
  risk  = "failover"
  shell {
    inject = "pgrep -x 'mariadbd|mysqld' >/run/haprov-drill-server && xargs kill -9 </run/haprov-drill-server"
    seen   = "while read -r p; do ! kill -0 \"$p\" 2>/dev/null || exit 1; done </run/haprov-drill-server"
    heal   = "rm -f /run/haprov-drill-server"
    gone   = "! [ -e /run/haprov-drill-server ]"
  }
}
