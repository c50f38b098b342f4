host "db1" {
  address = "10.0.0.1"
  cpus    = 1e999999999 # ERROR: Number is too long
}
