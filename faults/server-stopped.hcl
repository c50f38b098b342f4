# Started again only where it is the host's own service: elsewhere the cluster does it.
fault "server-stopped" {
  about = "The database server is told to stop, in order and behind the cluster's back"
  risk  = "failover"
  shell {
    inject = "pgrep -x 'mariadbd|mysqld' >/run/haprov-drill-stopped && xargs kill -TERM </run/haprov-drill-stopped"
    seen   = "while read -r p; do ! kill -0 \"$p\" 2>/dev/null || exit 1; done </run/haprov-drill-stopped"
    heal   = <<-EOT
      [ -e /run/haprov-drill-stopped ] || exit 0
      ! systemctl is-enabled -q mariadb || systemctl start mariadb || exit 1
      rm -f /run/haprov-drill-stopped
    EOT
    gone   = "! [ -e /run/haprov-drill-stopped ]"
  }
}
