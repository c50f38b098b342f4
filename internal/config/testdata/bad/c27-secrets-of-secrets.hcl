network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.11" }
secrets {
  vault {
    address = "https://vault.internal.lan"
    ca      = secret("ca") # ERROR: Sensitive value in "ca"
  }
}
