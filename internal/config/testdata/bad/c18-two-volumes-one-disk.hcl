network "n" { cidr = "10.0.0.0/24" }
host "a" { address = "10.0.0.1" }
host "b" { address = "10.0.0.2" }
cluster "x" {
  recipe = "r"
  role "db" { hosts = [host.a, host.b] }
}
recipe "r" {
  on "db" {
    drbd_volume "one" { backing = "/dev/vdb" }
    drbd_volume "two" { # ERROR: Two steps own "disk /dev/vdb"
      backing = "/dev/vdb"
      minor   = 1
    }
    drbd_volume "three" { backing = "/dev/vdc" } # ERROR: Two steps own "DRBD minor 0"
    filesystem "/dev/vdc" {} # ERROR: Two steps own "disk /dev/vdc"
  }
}
