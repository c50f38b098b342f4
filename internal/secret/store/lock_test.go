package store_test

import (
	"errors"
	"testing"
	"time"

	"haprov/internal/secret/store"
)

func TestALockThatIsHeldForTooLongIsTold(t *testing.T) {
	dir := t.TempDir()
	unlock, err := store.Lock(dir, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Lock(dir, time.Millisecond); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("held by another: %v", err)
	}
	unlock()
	again, err := store.Lock(dir, time.Millisecond)
	if err != nil {
		t.Fatalf("after it was given back: %v", err)
	}
	again()
}
