host "db1" { address = "10.0.0.1" }
cluster "c" { recipe = "r" }
recipe "r" {
  on "all" {
    seriel = 1 # ERROR: Unknown argument "seriel"
    package "less" {}
  }
}
