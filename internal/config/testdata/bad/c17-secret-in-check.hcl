host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
  active = "test ${secret("m")} = 1" # ERROR: Sensitive value in "active"
  on "all" {
    package "pp" {}
  }
  check "it answers" {
    on  = "each"
    run = "mysql -p${secret("m")}" # ERROR: Sensitive value in "run"
  }
}
