fault "links-lossy" {
  about = "The links to the other hosts lose a twentieth of the frames"
  risk  = "stall"
  links {
    loss = 5
  }
}
