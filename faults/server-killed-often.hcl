fault "server-killed-often" {
  about = "The database server is killed, and three times again when it is back"
  risk  = "failover"
  shell {
    inject = <<-EOT
      pgrep -x 'mariadbd|mysqld' >/dev/null || { echo "no server runs here"; exit 1; }
      systemd-run --quiet --collect --unit=haprov-drill-killer /bin/sh -c '
        n=0
        while [ $n -lt 4 ]; do
          pkill -9 -x "mariadbd|mysqld" && n=$((n + 1)) && echo "$n" >/run/haprov-drill-killer
          sleep 0.2
        done'
    EOT
    seen = "[ -s /run/haprov-drill-killer ]"
    heal = <<-EOT
      systemctl stop haprov-drill-killer 2>/dev/null || ! systemctl is-active -q haprov-drill-killer || exit 1
      rm -f /run/haprov-drill-killer
    EOT
    gone = "! systemctl is-active -q haprov-drill-killer && ! [ -e /run/haprov-drill-killer ]"
  }
}
