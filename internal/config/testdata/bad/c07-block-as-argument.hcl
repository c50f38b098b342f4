host "db1" {
  address = "10.0.0.1"
  disk = { device = "/dev/vdb" } # ERROR: "disk" is a block
}
