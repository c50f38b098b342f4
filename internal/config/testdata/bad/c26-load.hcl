host "db1" { address = "10.0.0.1" }
host "pg1" { address = "10.0.0.2" }

cluster "shop" {
  recipe = "here"
  role "db" { hosts = [host.db1] }
}
cluster "other" {
  recipe = "there"
  role "pg" { hosts = [host.pg1] }
}

recipe "here" {
  active = "true"
  endpoint "database" {
    address  = "10.0.0.1"
    port     = 3306
    protocol = "mysql"
  }
  endpoint "web" {
    address  = "10.0.0.1"
    port     = 80
    protocol = "http"
  }
  role "db" { min = 1 }
  on "db" {
    package "socat" {}
  }
  load "mysql" { # ERROR: Unknown endpoint "web"
    user     = "drill"
    database = "drill"
    readers  = "web"
  }
}

recipe "there" {
  active = "true"
  endpoint "database" {
    address  = "10.0.0.1"
    port     = 5432
    protocol = "postgres"
  }
  role "pg" { min = 1 }
  on "pg" {
    package "wget" {}
  }
  load "postgres" { # ERROR: Unknown role "db"
    user     = "drill"
    database = "drill"
    members  = "db"
  }
  promise "own writes are read" { judge = "session" } # ERROR: A promise that cannot be judged
}
