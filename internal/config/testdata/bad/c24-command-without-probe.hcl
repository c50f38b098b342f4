host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
  on "all" {
    command "c" { # ERROR: Command without a probe
      run = "true"
    }
  }
}
