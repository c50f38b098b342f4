package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"haprov"
)

func (a *app) initCmd() *cobra.Command {
	var with extras
	c := &cobra.Command{
		Use:   "init [STACK]",
		Short: "Write a shipped inventory here, to be edited",
		Long: "Writes haprov.hcl: the inventory of STACK (mysql-drbd when none is named), which every command\n" +
			"here uses from then on. With --recipes also what the program ships in recipes and templates,\n" +
			"which then comes before its own. With --vagrant also a Vagrantfile that makes the inventory's\n" +
			"machines. A file that is there is never replaced.",
		Example:   "  mkdir shop && cd shop && haprov init galera && haprov validate\n  haprov init --vagrant",
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: stacks(),
		RunE: func(_ *cobra.Command, args []string) error {
			stack := strings.TrimSuffix(path.Base(haprov.Default), ".hcl")
			if len(args) == 1 {
				stack = args[0]
			}
			return a.init(stack, with)
		},
	}
	c.Flags().BoolVar(&with.recipes, "recipes", false, "write recipes and templates too")
	c.Flags().BoolVar(&with.vagrant, "vagrant", false, "write a Vagrantfile too")
	return c
}

// extras are what is written beside an inventory.
type extras struct{ recipes, vagrant bool }

// stacks are the shipped inventories' names.
func stacks() (out []string) {
	files, _ := fs.Glob(haprov.Shipped, "inventory/*.hcl") // the pattern is good
	for _, f := range files {
		out = append(out, strings.TrimSuffix(path.Base(f), ".hcl"))
	}
	return out
}

func (a *app) init(stack string, with extras) error {
	text, err := haprov.Shipped.ReadFile("inventory/" + stack + ".hcl")
	if err != nil {
		return errInput{fmt.Sprintf("no inventory %q is shipped: expected %s", stack, strings.Join(stacks(), ", "))}
	}
	write := map[string][]byte{"haprov.hcl": text}
	order := []string{"haprov.hcl"}
	for _, dir := range []string{"recipes", "templates"} {
		files, err := fs.ReadDir(haprov.Shipped, dir)
		if err != nil {
			return err
		}
		for _, f := range files {
			name := path.Join(dir, f.Name())
			if !with.recipes || strings.HasSuffix(name, ".md") {
				continue
			}
			if write[name], err = haprov.Shipped.ReadFile(name); err != nil {
				return err
			}
			order = append(order, name)
		}
	}
	if with.vagrant {
		if write["Vagrantfile"], err = haprov.Shipped.ReadFile("vagrant/Vagrantfile"); err != nil {
			return err
		}
		order = append(order, "Vagrantfile")
	}
	for _, name := range order {
		if _, err := os.Lstat(filepath.FromSlash(name)); err == nil {
			return errInput{name + " already exists: nothing was written"}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, name := range order {
		to := filepath.FromSlash(name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = f.Write(write[name])
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		fmt.Fprintln(a.out, name)
	}
	return nil
}
