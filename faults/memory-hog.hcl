# What it takes leaves 3 percent of the memory; it is the first that the kernel kills when that runs out.
# perl is in every Debian (perl-base).
fault "memory-hog" {
  about = "A process takes all memory but three percent"
  risk  = "stall"
  shell {
    inject = <<-EOT
      n=$(awk '/^MemTotal:/ { t = $2 } /^MemAvailable:/ { a = $2 } END { print int(a - t * 3 / 100) }' /proc/meminfo)
      [ "$n" -gt 0 ] || { echo "there is no memory to take"; exit 1; }
      systemd-run --quiet --collect --unit=haprov-drill-memory -p OOMScoreAdjust=1000 -p OOMPolicy=continue \
        /bin/sh -c "perl -e 'my \$held = q(x) x (1024 * shift); sleep' $n; sleep infinity"
      echo "$n" >/run/haprov-drill-memory
    EOT
    # taken, or so far that the kernel killed it
    seen = <<-EOT
      n=$(cat /run/haprov-drill-memory) && systemctl is-active -q haprov-drill-memory || exit 1
      cgroup=/sys/fs/cgroup/system.slice/haprov-drill-memory.service
      ! grep -q '^oom_kill [1-9]' "$cgroup/memory.events" || exit 0
      xargs -I{} cat /proc/{}/status <"$cgroup/cgroup.procs" | awk -v n="$n" '/^RssAnon:/ { s += $2 } END { exit s < n * 0.9 }'
    EOT
    heal = <<-EOT
      systemctl stop haprov-drill-memory 2>/dev/null || ! systemctl is-active -q haprov-drill-memory || exit 1
      rm -f /run/haprov-drill-memory
    EOT
    gone = "! systemctl is-active -q haprov-drill-memory"
  }
}
