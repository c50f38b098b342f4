package file

import "sync"

// waits are the calls under way: a file system whose server is gone keeps one for ever, and
// nothing can end it but the end of the process.
var waits struct {
	sync.Mutex
	last  uint64
	names map[uint64]string
}

func waitFor(name string) (done func()) {
	waits.Lock()
	defer waits.Unlock()
	if waits.names == nil {
		waits.names = map[uint64]string{}
	}
	waits.last++
	id := waits.last
	waits.names[id] = name
	return func() {
		waits.Lock()
		defer waits.Unlock()
		delete(waits.names, id)
	}
}

// Waits are the files that are being opened or read now, by a number of the call. A call that is
// still there a while after an interrupt is one that does not end by itself.
func Waits() map[uint64]string {
	waits.Lock()
	defer waits.Unlock()
	out := make(map[uint64]string, len(waits.names))
	for id, name := range waits.names {
		out[id] = name
	}
	return out
}
