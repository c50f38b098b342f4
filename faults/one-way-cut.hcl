fault "one-way-cut" {
  about = "What the host sends to the others is lost; it hears them"
  risk  = "host"
  links {
    cut     = true
    one_way = true
  }
}
