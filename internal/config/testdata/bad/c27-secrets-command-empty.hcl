network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.11" }
secrets {
  command {
    run     = []   # ERROR: Program has no name
    timeout = "0s" # ERROR: "timeout" is out of range
    get     = "x"  # ERROR: Unknown argument "get"
  }
}
