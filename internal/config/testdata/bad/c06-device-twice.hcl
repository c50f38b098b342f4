host "db1" {
  address = "10.0.0.1"
  disk "a" { device = "/dev/vdb" }
  disk "b" { device = "/dev/vdb" } # ERROR: Device "db1:/dev/vdb" is defined twice
}
