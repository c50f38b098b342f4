host "db1" {
  address = "10.0.0.1"
  disk "data" { device = "/dev/vdb" }
  disk "data" { device = "/dev/vdc" } # ERROR: Disk "db1.data" is defined twice
}
