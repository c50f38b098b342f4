fault "links-cut" {
  about = "The links to all other hosts drop every frame; clients and the fence device are still reached"
  risk  = "host"
  links {
    cut = true
  }
}
