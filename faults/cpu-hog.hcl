fault "cpu-hog" {
  about = "Two busy loops a processor"
  risk  = "stall"
  shell {
    inject = "systemd-run --quiet --collect --unit=haprov-drill-hog /bin/sh -c 'n=$(nproc); for i in $(seq $((2 * n))); do while :; do :; done & done; wait'"
    seen   = "systemctl is-active -q haprov-drill-hog"
    heal   = "systemctl stop haprov-drill-hog 2>/dev/null || ! systemctl is-active -q haprov-drill-hog"
    gone   = "! systemctl is-active -q haprov-drill-hog"
  }
}
