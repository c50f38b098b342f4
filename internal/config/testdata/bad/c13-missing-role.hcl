host "db1" { address = "10.0.0.1" }
cluster "c" { recipe = "r" } # ERROR: Missing role "db"
recipe "r" {
  on "db" {
    package "jq" { when = length(role.db.hosts) > 1 }
  }
  check "it answers" {
    role = "db"
    run  = "true"
  }
}
