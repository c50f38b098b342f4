package kind

import (
	"time"

	"haprov/internal/probe"
)

// Keeper is implemented by steps that keep copies of the data, to be listed.
type Keeper interface {
	Cluster
	// Stock is the question that a host answers with what there is. It only reads.
	Stock() probe.Query
	// Read takes an answer to Stock. An error says why it tells nothing.
	Read(probe.Seen) (Stock, error)
}

// Stock is what there is to restore from. Its JSON is a promise to scripts (docs/json.md).
type Stock struct {
	Copies []Copy `json:"copies"` // the oldest first
	// Windows are the times that the data can be had as of, the oldest first; between two of them it
	// cannot.
	Windows []Window `json:"windows"`
}

// Copy is one full copy, with the logs that follow it.
type Copy struct {
	ID       string     `json:"id"`
	From     time.Time  `json:"from"` // the first second that it can be restored to
	To       time.Time  `json:"to"`   // the last one; as From when no log follows it
	Bytes    int64      `json:"bytes"`
	Log      string     `json:"log"` // the log file and the position in it that the copy stands at
	Position int64      `json:"position"`
	GTID     string     `json:"gtid,omitempty"`
	Kept     []string   `json:"kept"`             // why it is not removed yet
	Proved   *time.Time `json:"proved,omitempty"` // up to when its restored data was compared
}

// Window is a span of time, both ends included.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Latest is the last second that the data can be had as of; zero when there is nothing.
func (s Stock) Latest() time.Time {
	if len(s.Windows) == 0 {
		return time.Time{}
	}
	return s.Windows[len(s.Windows)-1].To
}
