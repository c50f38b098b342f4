host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
  on "all" {
    use "s" {}
  }
}
recipe "s" {
  on "all" {
    use "r" {} # ERROR: Recipes use each other in a cycle
  }
}
