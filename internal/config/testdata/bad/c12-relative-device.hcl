host "db1" {
  address = "10.0.0.1"
  disk "d" { device = "vdb" } # ERROR: Invalid device
}
