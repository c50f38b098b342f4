host "db1" { address = "10.0.0.1" }
cluster "c" { recipe = "r" } # ERROR: Missing input "vip"
recipe "r" {
  input "vip" {
    type  = vip
    about = "The address that follows the active host"
  }
}
