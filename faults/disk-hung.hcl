# fsfreeze(8): writes wait until the file system is thawed. One that holds what the host itself needs to
# log in and to heal is refused.
fault "disk-hung" {
  about = "Every write to the file system of the database hangs"
  risk  = "failover"
  shell {
    inject = <<-EOT
      dir=
      for s in mariadbd mysqld postgres; do
        [ -n "$dir" ] || dir=$(readlink "/proc/$(pgrep -o -x "$s")/cwd")
      done
      [ -n "$dir" ] || { echo "no database server runs here"; exit 1; }
      m=$(findmnt -n -o TARGET -T "$dir") || exit 1
      for d in / /etc /home /root /run /tmp /usr /var /var/log; do
        [ "$(findmnt -n -o TARGET -T "$d")" != "$m" ] || { echo "$dir is on the file system of $d, which the host needs"; exit 1; }
      done
      echo "$m" >/run/haprov-drill-frozen && fsfreeze -f "$m"
    EOT
    # a file that cannot be made; it is taken away when it can
    seen = <<-EOT
      m=$(cat /run/haprov-drill-frozen) && mountpoint -q "$m" || exit 1
      (touch "$m/.haprov-drill" && rm -f "$m/.haprov-drill") >/dev/null 2>&1 &
      sleep 1
      kill -0 $!
    EOT
    heal = <<-EOT
      if m=$(cat /run/haprov-drill-frozen 2>/dev/null) && mountpoint -q "$m"; then
        fsfreeze -u "$m" 2>/dev/null
        timeout 10 touch "$m/.haprov-drill" || exit 1
        rm -f "$m/.haprov-drill"
      fi
      rm -f /run/haprov-drill-frozen
    EOT
    gone = "! [ -e /run/haprov-drill-frozen ]"
  }
}
