host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
  on "all" {
    package "p" { for_each = [secret("m")] } # ERROR: Sensitive value in "for_each"
  }
}
