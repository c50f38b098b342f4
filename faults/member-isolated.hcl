# Its provider drops every connection of the group's (Galera Parameters: gmcast.isolate). It does not list the
# option among its own: what tells is that the member is left without a primary component, which takes the
# time of a suspicion. A server that is started again has forgotten it.
fault "member-isolated" {
  about = "The Galera member is connected to no other member; its port stays open to clients"
  risk  = "failover"
  shell {
    inject = "timeout 30 mariadb -e \"SET GLOBAL wsrep_provider_options = 'gmcast.isolate=1'\""
    seen   = "timeout 30 mariadb -N -e \"SHOW STATUS LIKE 'wsrep_cluster_status'\" | grep -qw non-Primary"
    heal   = "! pgrep -x 'mariadbd|mysqld' >/dev/null || timeout 30 mariadb -e \"SET GLOBAL wsrep_provider_options = 'gmcast.isolate=0'\""
    gone   = "! pgrep -x 'mariadbd|mysqld' >/dev/null || timeout 30 mariadb -N -e \"SHOW STATUS LIKE 'wsrep_cluster_status'\" | grep -qP '\\tPrimary'"
  }
}
