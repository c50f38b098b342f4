// Command haprov takes machines to a highly available MariaDB or MySQL, and repairs what has drifted when run again.
package main

import (
	"os"

	"haprov/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
