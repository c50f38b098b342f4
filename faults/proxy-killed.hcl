fault "proxy-killed" {
  about = "The proxy is killed"
  risk  = "failover"
  shell {
    inject = "pgrep -x haproxy >/run/haprov-drill-haproxy && xargs kill -9 </run/haprov-drill-haproxy"
    seen   = "while read -r p; do ! kill -0 \"$p\" 2>/dev/null || exit 1; done </run/haprov-drill-haproxy"
    heal   = "rm -f /run/haprov-drill-haproxy"
    gone   = "! [ -e /run/haprov-drill-haproxy ]"
  }
}
