# Only a disk that is a device-mapper device, as LVM's volumes are: its table is loaded anew, and put back.
fault "disk-failing" {
  about = "The disk below the database answers every request with an error"
  risk  = "failover"
  shell {
    inject = <<-EOT
      command -v dmsetup >/dev/null || { echo "no device-mapper device is here"; exit 1; }
      dir=
      for s in mariadbd mysqld postgres; do
        [ -n "$dir" ] || dir=$(readlink "/proc/$(pgrep -o -x "$s")/cwd")
      done
      [ -n "$dir" ] || { echo "no database server runs here"; exit 1; }
      dev=$(findmnt -n -o SOURCE -T "$dir") || exit 1
      case $dev in /dev/drbd*) dev=$(drbdadm sh-ll-dev all | head -n 1) ;; esac
      dm=$(dmsetup info -c --noheadings -o name "$dev" 2>/dev/null) || { echo "$dev is no device-mapper device"; exit 1; }
      umask 077
      dmsetup table "$dm" >/run/haprov-drill-dm.table || exit 1
      awk '$3 != "linear" { exit 1 } { print $1, $2, "error" }' /run/haprov-drill-dm.table >/run/haprov-drill-dm.new || { echo "$dev is not one of plain (linear) segments"; rm -f /run/haprov-drill-dm.table; exit 1; }
      echo "$dm" >/run/haprov-drill-dm
      dmsetup suspend --nolockfs "$dm" && dmsetup load "$dm" /run/haprov-drill-dm.new
      s=$?
      dmsetup resume "$dm" && exit $s
    EOT
    seen = "dmsetup table \"$(cat /run/haprov-drill-dm)\" | grep -q ' error'"
    heal = <<-EOT
      if dm=$(cat /run/haprov-drill-dm 2>/dev/null); then
        dmsetup suspend --nolockfs --noflush "$dm" && dmsetup load "$dm" /run/haprov-drill-dm.table
        s=$?
        dmsetup resume "$dm" && [ $s = 0 ] || exit 1
        # DRBD has given the disk up, and takes it again when it is told
        ! command -v drbdadm >/dev/null || drbdadm adjust all || exit 1
      fi
      rm -f /run/haprov-drill-dm /run/haprov-drill-dm.*
    EOT
    gone = "! [ -e /run/haprov-drill-dm ]"
  }
}
