host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
  on "all" {
    package "a\nb" {} # ERROR: Invalid name for a step
  }
}
