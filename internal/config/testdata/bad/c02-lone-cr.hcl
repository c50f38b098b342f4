host "db1" {
  memory ="1GiB" # ERROR: Carriage return without line feed
}
