host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
}
recipe "r" {} # ERROR: Recipe "r" is defined twice
