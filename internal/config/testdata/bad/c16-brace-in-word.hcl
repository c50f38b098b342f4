host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
  on "all" {
    file "/x" { content = template("word.tmpl", { v = "a } quorum {" }) } # ERROR: template(): wrong arguments
  }
}
