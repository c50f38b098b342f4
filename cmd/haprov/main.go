// Command haprov takes machines to a proved, highly available MySQL, and keeps them that way.
package main

import (
	"os"

	"haprov/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
