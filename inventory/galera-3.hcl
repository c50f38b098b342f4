# Three machines in all: the proxies run on two of the members.
lab "galera-3" {
  image  = "debian-12"
  memory = "384MiB"
}

network "cluster" {
  cidr = "192.168.58.0/24"
}

host "db1" { address = "192.168.58.11" }
host "db2" { address = "192.168.58.12" }
host "db3" { address = "192.168.58.13" }

cluster "shop" {
  recipe = "galera"
  role "db" { hosts = [host.db1, host.db2, host.db3] }
  role "proxy" { hosts = [host.db1, host.db2] }
  inputs = {
    vip         = "192.168.58.100/24"
    gcache      = "64M"
    buffer_pool = "48M"
    require_tls = true
  }
}
