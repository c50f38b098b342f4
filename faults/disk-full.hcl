# The space is held by a file without a name, open in a unit: a reboot or the unit's end gives it back.
fault "disk-full" {
  about = "The file system of /var has no room left"
  risk  = "failover"
  shell {
    inject = <<-EOT
      mkdir -p /var/lib/haprov/drill
      systemd-run --quiet --collect --unit=haprov-drill-full /bin/sh -c '
        exec 9>/var/lib/haprov/drill/full && rm /var/lib/haprov/drill/full || exit 1
        fallocate -l "$(($(stat -f -c "%a * %S" /var/lib)))" /proc/self/fd/9 || cat /dev/zero >&9
        exec sleep infinity' 2>&1
    EOT
    seen = "systemctl is-active -q haprov-drill-full && [ \"$(stat -f -c %a /var/lib)\" -lt 1024 ]"
    heal = <<-EOT
      systemctl stop haprov-drill-full 2>/dev/null || ! systemctl is-active -q haprov-drill-full || exit 1
      rm -f /var/lib/haprov/drill/full
    EOT
    gone = "! systemctl is-active -q haprov-drill-full"
  }
}
