network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.11" }
secrets {
  command { run = ["sh"] }
}
secrets { # ERROR: Block "secrets" is defined twice
  command { run = ["sh"] }
}
