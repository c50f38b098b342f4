network "n" { cidr = "10.0.0.0/24" }
host "a" { address = "10.0.0.1" }
host "b" { address = "10.0.0.2" }
host "c" { address = "10.0.0.3" }
cluster "x" {
  recipe = "r"
  role "db" { hosts = [host.a, host.b, host.c] }
}
recipe "r" {
  on "db" {
    drbd_volume "data" { backing = "/dev/vdb" } # ERROR: DRBD volume needs two hosts
  }
}
