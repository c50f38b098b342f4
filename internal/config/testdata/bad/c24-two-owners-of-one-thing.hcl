host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
  on "all" {
    use "s" {}
    package "jq" {} # ERROR: Step "db1:package.jq" is defined twice
  }
}
recipe "s" {
  on "all" {
    package "jq" {}
  }
}
