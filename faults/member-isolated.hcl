# Its provider drops every connection of the group's (Galera Parameters: gmcast.isolate). A server that is
# started again has forgotten it.
fault "member-isolated" {
  about = "The Galera member leaves the others alone and hears nothing from them; its port stays open to clients"
  risk  = "failover"
  shell {
    inject = "timeout 30 mariadb -e \"SET GLOBAL wsrep_provider_options = 'gmcast.isolate=1'\""
    seen   = "timeout 30 mariadb -N -e \"SHOW VARIABLES LIKE 'wsrep_provider_options'\" | grep -q 'gmcast.isolate = 1'"
    heal   = "! pgrep -x 'mariadbd|mysqld' >/dev/null || timeout 30 mariadb -e \"SET GLOBAL wsrep_provider_options = 'gmcast.isolate=0'\""
    gone   = "! timeout 30 mariadb -N -e \"SHOW VARIABLES LIKE 'wsrep_provider_options'\" | grep -q 'gmcast.isolate = 1'"
  }
}
