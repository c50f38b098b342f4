fault "disk-full" {
  about = "The file system of /var has no room left"
  risk  = "failover"
  shell {
    inject = "mkdir -p /var/lib/haprov/drill && fallocate -l $(($(stat -f -c \"%a * %S\" /var/lib))) /var/lib/haprov/drill/full || dd if=/dev/zero of=/var/lib/haprov/drill/full bs=1M 2>/dev/null; [ -s /var/lib/haprov/drill/full ]"
    seen   = "[ \"$(stat -f -c %a /var/lib)\" -lt 1024 ]"
    heal   = "rm -f /var/lib/haprov/drill/full"
    gone   = "! [ -e /var/lib/haprov/drill/full ]"
  }
}
