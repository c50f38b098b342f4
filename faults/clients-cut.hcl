fault "clients-cut" {
  about = "No client reaches the host; its peers do"
  risk  = "failover"
  links {
    cut     = true
    to      = "gateway"
    carries = "service"
  }
}
