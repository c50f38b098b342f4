host "db1" { address = "10.0.0.1" }
cluster "c" { recipe = "r" }
recipe "r" {
  on "all" {
    serial = 0 # ERROR: "serial" is out of range
    package "less" {}
  }
}
