fault "server-frozen" {
  about = "The database server stands still; its connections stay open"
  risk  = "failover"
  shell {
    inject = "pgrep -x mariadbd >/run/haprov-drill-mariadbd && xargs kill -STOP </run/haprov-drill-mariadbd"
    seen = <<-EOT
      while read -r p; do
        ! [ -e "/proc/$p" ] || grep -q '^State:.T' "/proc/$p/status" || exit 1
      done </run/haprov-drill-mariadbd
    EOT
    heal = <<-EOT
      ! [ -e /run/haprov-drill-mariadbd ] || while read -r p; do
        ! [ "$(cat "/proc/$p/comm" 2>/dev/null)" = mariadbd ] || kill -CONT "$p"
      done </run/haprov-drill-mariadbd
      rm -f /run/haprov-drill-mariadbd
    EOT
    gone   = "! [ -e /run/haprov-drill-mariadbd ]"
  }
}
