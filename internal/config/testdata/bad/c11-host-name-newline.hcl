host "a\nb" { address = "10.0.0.1" } # ERROR: Line break in "name"
