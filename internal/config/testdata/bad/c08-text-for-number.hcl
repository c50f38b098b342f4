host "db1" {
  address = "10.0.0.1"
  cpus    = "2" # ERROR: Wrong type for "cpus"
}
