host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
  on "all" {
    command "c" {
      probe   = "true"
      run     = "true"
      timeout = "90000h" # ERROR: "timeout" is out of range
    }
  }
}
