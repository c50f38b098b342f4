network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.11" }
secrets {
  vault {
    address   = "http://vault.internal.lan:8200" # ERROR: Invalid address of Vault
    mount     = "/secret"                       # ERROR: Invalid mount of Vault
    path      = "../sys"                        # ERROR: Invalid path of Vault
    namespace = "a b"                           # ERROR: Invalid namespace of Vault
    token     = "x"                             # ERROR: Unknown argument "token"
  }
}
