# Timers that heal count by the monotonic clock, which is not set.
fault "clock-forward" {
  about = "The host's clock is set an hour forward"
  risk  = "stall"
  shell {
    inject = "cut -d. -f1 /proc/uptime >/run/haprov-drill-clock && date +%s >>/run/haprov-drill-clock && date -s \"@$(($(date +%s) + 3600))\" >/dev/null"
    seen   = <<-EOT
      { read -r up && read -r was; } </run/haprov-drill-clock || exit 1
      read -r now _ </proc/uptime
      off=$(($(date +%s) - was - $${now%.*} + up))
      [ "$off" -gt 1800 ]
    EOT
    # the time that it would be, had nobody set it; one that a time service has set right meanwhile stays
    heal = <<-EOT
      if { read -r up && read -r was; } 2>/dev/null </run/haprov-drill-clock; then
        read -r now _ </proc/uptime
        right=$((was + $${now%.*} - up))
        off=$(($(date +%s) - right))
        [ "$off" -gt -1800 ] && [ "$off" -lt 1800 ] || date -s "@$right" >/dev/null || exit 1
      fi
      rm -f /run/haprov-drill-clock
    EOT
    gone = "! [ -e /run/haprov-drill-clock ]"
  }
}
