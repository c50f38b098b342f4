fault "pacemaker-stopped" {
  about = "Pacemaker is stopped in order, as for an upgrade"
  risk  = "failover"
  shell {
    inject = "systemctl is-active -q pacemaker && touch /run/haprov-drill-pacemaker && systemctl --no-block stop pacemaker"
    seen   = "[ -e /run/haprov-drill-pacemaker ] && ! pgrep -x pacemakerd"
    heal   = "if [ -e /run/haprov-drill-pacemaker ]; then systemctl start pacemaker || exit 1; fi; rm -f /run/haprov-drill-pacemaker"
    gone   = "! [ -e /run/haprov-drill-pacemaker ]"
  }
}
