host "db1" {
  address = "10.0.0.1"
  fence "fence_ipmilan" { # ERROR: Option "pcmk_host_list" is set by haprov # ERROR: Option "username" is a secret # ERROR: Invalid name of a fence option
    options = { ip = "10.0.0.5", pcmk_host_list = "db2", username = secret("who"), password = secret("ipmi"), "a b" = "c" }
  }
}
