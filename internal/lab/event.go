package lab

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"time"

	"haprov/internal/file"
)

// Event is one line of the lab's diary (events.jsonl), and what Up reports as it goes.
type Event struct {
	Time    time.Time `json:"time"`
	Kind    string    `json:"kind"`             // image, driver, supervisor, power, fence, fault, snapshot
	Host    string    `json:"host,omitempty"`   // whom it is about
	From    string    `json:"from,omitempty"`   // who asked, for fence; "user" for a command
	Action  string    `json:"action,omitempty"` // start, off, ended, refused, reboot, cut, heal, ...
	OK      bool      `json:"ok"`
	Text    string    `json:"text,omitempty"` // for people
	Seconds float64   `json:"seconds,omitempty"`
}

// diary appends events to a file. A diary that cannot be written stops nothing.
type diary struct {
	mu   sync.Mutex
	path string
}

func (d *diary) note(e Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	line, err := json.Marshal(e)
	if err != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	f, err := os.OpenFile(d.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	f.Write(append(line, '\n'))
}

// readEvents reads a diary; a line cut short by a crash is left out.
func readEvents(path string) ([]Event, error) {
	f, _, err := file.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []Event
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var e Event
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			all = append(all, e)
		}
	}
	return all, lines.Err()
}
