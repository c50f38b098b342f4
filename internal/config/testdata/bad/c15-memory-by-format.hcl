host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
  on "all" {
    file "/x" { content = format("%1000000000s", "x") } # ERROR: format(): wrong arguments
  }
}
