// Package shelltest reads shell scripts as a shell and shellcheck do, for tests. It runs none of
// them, and knows nothing of where they come from.
package shelltest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Excluded are the checks of shellcheck that do not apply to scripts written by a program, each
// with the reason. Files in the repository have no exclusions but their own.
var Excluded = map[string]string{
	"SC2050": "a constant in a condition was a value of the recipe",
	"SC2194": "a constant in a case was a value of the recipe",
	"SC2043": "a loop over one value was a list of the recipe",
	"SC2016": "$ in single quotes is quoted data or the text of an inner shell",
	"SC2015": "A && B || C is used where C may also run after a B that failed",
	"SC1091": "a file that is sourced is the host's",
	"SC2174": "mkdir -p -m: the folders above exist on every host (/run)",
	"SC1003": "a quote after a backslash is the way one is quoted",
}

// Looked up before a test takes commands out of $PATH.
var (
	shellcheck, errShellcheck = exec.LookPath("shellcheck")
	shells                    = map[string]string{"sh": "/bin/sh", "bash": "/bin/bash"}
)

// Lint reads scripts by name with sh -n and shellcheck, and gives one text for each finding. A
// script is POSIX shell unless its first line names bash; others (perl, python) are not read.
// shellcheck must be installed: tools/deps.sh does it.
func Lint(scripts map[string]string) ([]string, error) {
	if errShellcheck != nil {
		return nil, fmt.Errorf("%w: make deps installs it", errShellcheck)
	}
	dir, err := os.MkdirTemp("", "haprov-scripts")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var found []string
	names, files := map[string]string{}, map[string][]string{}
	seen := map[string]bool{}
	for name, text := range scripts {
		sh := shellOf(text)
		if sh == "" || seen[text] {
			continue
		}
		seen[text] = true
		file := filepath.Join(dir, fmt.Sprint(len(names)))
		if err := os.WriteFile(file, []byte(strings.TrimSuffix(text, "\n")+"\n"), 0o600); err != nil {
			return nil, err
		}
		names[file] = name
		files[sh] = append(files[sh], file)
		if out, err := exec.Command(shells[sh], "-n", file).CombinedOutput(); err != nil {
			found = append(found, fmt.Sprintf("%s: %s -n: %s\n%s", name, sh, out, text))
		}
	}
	var excluded []string
	for code := range Excluded {
		excluded = append(excluded, code)
	}
	for sh, list := range files {
		out, err := exec.Command(shellcheck, append([]string{"-s", sh, "-f", "gcc", "-e", strings.Join(excluded, ",")}, list...)...).CombinedOutput()
		for l := range strings.Lines(string(out)) {
			file, rest, _ := strings.Cut(strings.TrimSpace(l), ":")
			found = append(found, names[file]+": "+rest)
		}
		if err != nil && len(out) == 0 {
			return nil, err
		}
	}
	slices.Sort(found)
	return found, nil
}

// shellOf is the shell that reads a script, "" for another interpreter.
func shellOf(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	switch {
	case !strings.HasPrefix(first, "#!"), strings.HasSuffix(first, "/sh"):
		return "sh"
	case strings.Contains(first, "bash"):
		return "bash"
	}
	return ""
}
