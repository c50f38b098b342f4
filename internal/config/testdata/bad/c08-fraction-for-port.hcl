host "db1" {
  address = "10.0.0.1"
  ssh { port = 22.5 } # ERROR: Wrong type for "port"
}
