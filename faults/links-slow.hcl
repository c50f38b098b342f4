fault "links-slow" {
  about = "The links to the other hosts hold each frame up for a quarter of a second"
  risk  = "stall"
  links {
    delay = "250ms"
  }
}
