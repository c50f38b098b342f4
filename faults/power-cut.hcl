fault "power-cut" {
  about = "The power is cut, until the fault is healed"
  risk  = "host"
  lab {
    power = "off"
  }
}
