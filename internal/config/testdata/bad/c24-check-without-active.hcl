host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
  on "all" {}
  check "it works" { # ERROR: Nothing tells the active host
    on  = "active"
    run = "true"
  }
}
