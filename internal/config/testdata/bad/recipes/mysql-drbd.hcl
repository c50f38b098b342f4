recipe "mysql-drbd" {}
