network "n" { cidr = "10.0.0.0/24" }
host "a" {
  address = "10.0.0.1"
  fence "fence_ipmilan" { options = { ip = "10.0.0.201", username = "x" } }
}
host "b" {
  address = "10.0.0.2"
  fence "fence_ipmilan" { options = { ip = "10.0.0.201", username = "y" } } # ERROR: Two hosts have one fence device
}
host "c" {
  address = "10.0.0.3"
  fence "fence_apc" { options = { ip = "10.0.0.202", plug = "1" } }
}
host "d" {
  address = "10.0.0.4"
  fence "fence_apc" { options = { ip = "10.0.0.202", plug = "2" } }
}
host "e" {
  address = "10.0.0.5"
  fence "fence_apc" { options = { ip = "10.0.0.202", plug = "1" } } # ERROR: Two hosts have one fence device
}
host "f" {
  address = "10.0.0.6"
  fence "fence_dummy" {} # ERROR: Fence agent fences nothing
}
