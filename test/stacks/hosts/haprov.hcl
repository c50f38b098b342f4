lab "hosts" { image = "debian-12" }
network "lan" { cidr = "192.168.61.0/24" }
host "h1" {
  address = "192.168.61.11"
  memory  = "512MiB"
  disk "one" { size = "64MiB" }
  disk "two" { size = "64MiB" }
}
host "h2" {
  address = "192.168.61.12"
  memory  = "512MiB"
}
cluster "h" {
  recipe = "hosts"
  role "main" { hosts = [host.h1] }
  role "other" { hosts = [host.h2] }
}
