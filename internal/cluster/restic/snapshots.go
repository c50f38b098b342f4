// Package restic reads what restic prints. It must not know what is kept in a repository, nor what
// the tags of its snapshots mean.
package restic

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Snapshot is one snapshot of a repository.
type Snapshot struct {
	ID   string    `json:"id"`
	Time time.Time `json:"time"` // when it was begun
	Tags []string  `json:"tags"`
	Kept []string  `json:"-"` // why forget keeps it: "within 2d", "daily snapshot"; none where forget was not asked
}

// Value is what a snapshot's tags say of a name, as in NAME=VALUE; empty when they do not.
func (s Snapshot) Value(name string) string {
	for _, t := range s.Tags {
		if v, ok := strings.CutPrefix(t, name+"="); ok {
			return v
		}
	}
	return ""
}

// most bounds what is read: snapshots of a repository, tags and reasons of a snapshot.
const (
	most      = 100_000
	mostWords = 64
)

// Parse reads the output of `restic snapshots --json`, and what `restic forget --dry-run --json` may
// have printed after it. A repository without snapshots is none, and no error.
func Parse(text string) ([]Snapshot, error) {
	d := json.NewDecoder(strings.NewReader(text))
	var all []Snapshot
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("not a list of snapshots: %w", plain(err))
	}
	var groups []struct {
		Reasons []struct {
			Snapshot struct {
				Time time.Time `json:"time"`
			} `json:"snapshot"`
			Matches []string `json:"matches"`
		} `json:"reasons"`
	}
	if err := d.Decode(&groups); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("not a list of reasons to keep snapshots: %w", plain(err))
	}
	if len(all) > most {
		return nil, fmt.Errorf("%d snapshots, more than %d", len(all), most)
	}
	at := map[time.Time]int{} // forget names a snapshot by all but its id
	for i, s := range all {
		if len(s.Tags) > mostWords {
			return nil, fmt.Errorf("a snapshot with %d tags, more than %d", len(s.Tags), mostWords)
		}
		at[s.Time.UTC()] = i
	}
	for _, g := range groups {
		for _, r := range g.Reasons {
			if i, ok := at[r.Snapshot.Time.UTC()]; ok && len(r.Matches) <= mostWords {
				all[i].Kept = r.Matches
			}
		}
	}
	return all, nil
}

// plain keeps what a decoder says of a type of ours out of a message.
func plain(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("found %s where none is expected", kind.Value)
	}
	return err
}
