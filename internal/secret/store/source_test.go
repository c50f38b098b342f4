package store_test

import (
	"path/filepath"
	"testing"

	"haprov/internal/secret/store"
	"haprov/internal/secret/store/storetest"
)

func TestTheFolderOfAMachineIsASource(t *testing.T) {
	for _, encrypted := range []bool{false, true} {
		storetest.Run(t, func(t *testing.T) func() store.Source {
			home := t.TempDir()
			identity := key(t, home, "identity")
			return func() store.Source {
				f, err := store.Folder(filepath.Join(home, "secrets"))
				if err == nil && encrypted {
					err = store.New(f).Unlock(identity)
				}
				if err != nil {
					t.Fatal(err)
				}
				return f
			}
		})
	}
}
