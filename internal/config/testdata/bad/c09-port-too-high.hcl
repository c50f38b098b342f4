host "db1" {
  address = "10.0.0.1"
  ssh { port = 65536 } # ERROR: "port" is out of range
}
