package store

// Folder is the source of one machine, for the tests that all sources pass.
func Folder(dir string) (Source, error) { return openFolder(dir) }
