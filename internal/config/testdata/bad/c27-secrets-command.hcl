network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.11" }
secrets {
  command {
    run     = ["./secrets-that-are-not-there.sh"] # ERROR: Program "./secrets-that-are-not-there.sh" is not found
    timeout = "11m"                               # ERROR: "timeout" is out of range
  }
}
