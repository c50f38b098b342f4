lab "rabbit" {
  image  = "debian-12"
  memory = "768MiB"
}
network "cluster" { cidr = "192.168.65.0/24" }
host "mq1" { address = "192.168.65.11" }
host "mq2" { address = "192.168.65.12" }
host "mq3" { address = "192.168.65.13" }
cluster "queue" {
  recipe = "rabbitmq"
  role "mq" { hosts = [host.mq1, host.mq2, host.mq3] }
}
