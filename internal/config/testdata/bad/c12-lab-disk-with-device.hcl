lab "l" {}
network "a" { cidr = "10.0.0.0/24" }
host "db1" {
  address = "10.0.0.11"
  disk "d" { device = "/dev/vdb" } # ERROR: Disk of a lab has a device
}
