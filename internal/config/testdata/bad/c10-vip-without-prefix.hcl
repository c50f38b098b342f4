network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
  inputs = { vip = "10.0.0.9" } # ERROR: Invalid virtual address
}
recipe "r" {
  input "vip" { type = vip }
}
