# Three members and two proxies: five small machines of an own lab on one network.
lab "galera" {
  image  = "debian-12"
  memory = "384MiB"
}

network "cluster" {
  cidr = "192.168.58.0/24"
}

host "db1" { address = "192.168.58.11" }
host "db2" { address = "192.168.58.12" }
host "db3" { address = "192.168.58.13" }
host "proxy1" {
  address = "192.168.58.21"
  memory  = "256MiB"
}
host "proxy2" {
  address = "192.168.58.22"
  memory  = "256MiB"
}

cluster "shop" {
  recipe = "galera"
  role "db" { hosts = [host.db1, host.db2, host.db3] }
  role "proxy" { hosts = [host.proxy1, host.proxy2] }
  inputs = {
    vip         = "192.168.58.100/24"
    gcache      = "64M"
    buffer_pool = "48M"
    require_tls = true
  }
}
