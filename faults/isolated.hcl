fault "isolated" {
  about = "All links drop every frame, those to clients and the fence device too"
  risk  = "host"
  links {
    cut = true
    to  = "all"
  }
}
