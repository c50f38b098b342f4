host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
  on "all" {
    package "p" { for_each = [facts.kernel] } # ERROR: Facts are not available here
  }
}
