fault "links-corrupting" {
  about = "One frame of a hundred between the host and the others arrives with a bit changed"
  risk  = "stall"
  links {
    corrupt = 1
  }
}
