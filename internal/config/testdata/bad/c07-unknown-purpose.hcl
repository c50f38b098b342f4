network "a" {
  cidr    = "10.0.0.0/24"
  carries = ["rings"] # ERROR: "carries" has an unknown value
}
host "db1" { address = "10.0.0.1" }
