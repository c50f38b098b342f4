fault "reboot" {
  about = "The host is restarted in order"
  risk  = "failover"
  shell {
    inject = "mkdir -p /var/lib/haprov/drill && cat /proc/sys/kernel/random/boot_id >/var/lib/haprov/drill/boot && sync && systemctl --no-block reboot"
    seen   = "[ -s /var/lib/haprov/drill/boot ] && [ \"$(cat /proc/sys/kernel/random/boot_id)\" != \"$(cat /var/lib/haprov/drill/boot)\" ]"
    heal   = "rm -f /var/lib/haprov/drill/boot"
    gone   = "! [ -e /var/lib/haprov/drill/boot ]"
  }
}
