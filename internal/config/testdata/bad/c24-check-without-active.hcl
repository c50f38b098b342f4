host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
  on "all" {}
  check "it works" { # ERROR: The active host is not defined
    on  = "active"
    run = "true"
  }
}
