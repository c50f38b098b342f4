host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
  on "all" {
    mount "/data" { device = each.host.disk.data.device } # ERROR: Unknown name "data"
  }
}
