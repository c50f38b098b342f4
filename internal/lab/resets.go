package lab

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"haprov/internal/lab/machine"
)

// bootMark is what a machine prints early in each boot. One that resets itself (watchdog, panic,
// reboot) goes on as the same processes, whatever the driver: that it prints the mark again is the
// only thing that shows it.
const bootMark = machine.Booted

// consolePace is how often consoles are looked at: how exact the diary's time of a reset is.
const consolePace = time.Second

// resets notes in the diary each boot of a machine after the one that the supervisor began. The
// console holds from begin on what this life of the machine prints; a guest may print anything, so
// what is read at once is bounded.
func (s *supervisor) resets(u *unit, process machine.Process, begin int64, pace time.Duration) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	booted := false
	var rest []byte
	for {
		select {
		case <-process.Done():
			return
		case <-tick.C:
		}
		text := readFrom(s.place.console(u.host.Name), begin)
		begin += int64(len(text))
		rest = append(rest, text...)
		n := bytes.Count(rest, []byte(bootMark))
		rest = bytes.Clone(rest[max(0, len(rest)-len(bootMark)+1):])
		if n > 0 && !booted {
			booted = true // its start
			n--
		}
		if n > 0 {
			s.diary.note(Event{Kind: "power", Host: u.host.Name, Action: "reset", OK: true, Text: "the machine reset by itself and boots again" + times(n)})
		}
	}
}

func times(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" (%d times)", n)
}

// readFrom is the next piece of a growing file, empty when there is none.
func readFrom(path string, at int64) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, at, 1<<20))
	if err != nil {
		return nil
	}
	return text
}
