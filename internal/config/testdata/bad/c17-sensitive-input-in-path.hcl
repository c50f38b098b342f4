host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
  inputs = { password = "hunter2" }
}
recipe "r" {
  input "password" {
    type      = string
    sensitive = true
  }
  on "all" {
    symlink "/x" { target = "/y${input.password}" } # ERROR: Sensitive value in "target"
  }
}
