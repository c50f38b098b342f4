fault "replication-cut" {
  about = "The replication network between the host and the others drops every frame"
  risk  = "stall"
  links {
    cut     = true
    carries = "replication"
  }
}
