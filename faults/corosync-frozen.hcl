fault "corosync-frozen" {
  about = "Corosync stands still"
  risk  = "host"
  shell {
    inject = "pgrep -x corosync >/run/haprov-drill-corosync && xargs kill -STOP </run/haprov-drill-corosync"
    seen = <<-EOT
      while read -r p; do
        ! [ -e "/proc/$p" ] || grep -q '^State:.T' "/proc/$p/status" || exit 1
      done </run/haprov-drill-corosync
    EOT
    heal = <<-EOT
      ! [ -e /run/haprov-drill-corosync ] || while read -r p; do
        ! [ "$(cat "/proc/$p/comm" 2>/dev/null)" = corosync ] || kill -CONT "$p"
      done </run/haprov-drill-corosync
      rm -f /run/haprov-drill-corosync
    EOT
    gone   = "! [ -e /run/haprov-drill-corosync ]"
  }
}
