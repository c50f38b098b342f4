host "db1" {
  address = "ÿ" # ERROR: File is not UTF-8
}
