host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
  on "all" {}
  check "it works" {
    run      = "true"
    deadline = "0s" # ERROR: "deadline" is out of range
  }
}
