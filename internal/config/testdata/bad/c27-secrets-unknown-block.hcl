network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.11" }
secrets { # ERROR: Secrets have one place
  valut { address = "https://vault.internal.lan" } # ERROR: Unknown block "valut"
}
