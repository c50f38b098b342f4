host "db1" { address = "10.0.0.1" }

cluster "shop" {
  recipe = "here"
  drills { # ERROR: Invalid window
    allow  = ["stall", "data"] # ERROR: "allow" has an unknown value
    window = "Sunday at night"
  }
}

recipe "here" {
  active = "true"
  endpoint "database" {
    address  = "10.0.0.1"
    port     = 3306
    protocol = "mysql"
  }
  on "all" {
    package "socat" {}
  }
  load "mysql" {
    user     = "drill"
    database = "drill"
    scan     = secret("drill") # ERROR: Sensitive value in "scan"
  }
  promise "rows stay" { judge = "ackd" } # ERROR: "judge" has an unknown value
  station "detect" { line = "([" } # ERROR: Not a regular expression
  drill "unknown-fault" {
    about = "A fault that nobody wrote"
    fault "powercut" { on = "active" } # ERROR: Unknown fault "powercut"
    expect {
      active = "moves"
      outage = "60s"
    }
  }
  drill "unknown-target" {
    about = "A target that there is not"
    fault "power" { on = "activ" } # ERROR: Unknown target "activ"
    expect {
      active = "moves"
      outage = "soon" # ERROR: Wrong type for "outage"
    }
  }
  drill "no-fault" { # ERROR: A drill without a fault
    about = "Nothing happens"
    expect {
      active = "moves"
      outage = "60s"
    }
  }
  drill "no-expectation" { # ERROR: A drill without an expectation
    about = "Something happens"
    fault "power" { on = "active" }
  }
  drill "no-fault" { # ERROR: Drill "no-fault" is defined twice
    about = "Again"
    fault "power" { on = "all" }
    expect {
      active = "moves"
      outage = "60s"
    }
  }
}
