fault "server-frozen" {
  about = "The database server stands still; its connections stay open"
  risk  = "failover"
  shell {
    inject = "pgrep -x 'mariadbd|mysqld' >/run/haprov-drill-server && xargs kill -STOP </run/haprov-drill-server"
    seen = <<-EOT
      while read -r p; do
        ! [ -e "/proc/$p" ] || grep -q '^State:.T' "/proc/$p/status" || exit 1
      done </run/haprov-drill-server
    EOT
    heal = <<-EOT
      ! [ -e /run/haprov-drill-server ] || while read -r p; do
        case $(cat "/proc/$p/comm" 2>/dev/null) in mariadbd | mysqld) kill -CONT "$p" ;; esac
      done </run/haprov-drill-server
      rm -f /run/haprov-drill-server
    EOT
    gone   = "! [ -e /run/haprov-drill-server ]"
  }
}
