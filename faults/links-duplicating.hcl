fault "links-duplicating" {
  about = "A twentieth of the frames between the host and the others arrives twice"
  risk  = "stall"
  links {
    duplicate = 5
  }
}
