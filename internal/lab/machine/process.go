package machine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// killWait is how long the kernel of this machine may take to end killed processes: they may
// sit in a write to a slow disk.
const killWait = 30 * time.Second

// tree is a machine as the operating system sees it: one session of processes, whose first
// is the one that was started. User-Mode Linux adds a helper for each address space.
type tree struct {
	session int
	done    chan struct{}
	mu      sync.Mutex // one of Kill, Pause, Resume at a time
}

// start runs cmd as a session of its own. The machine dies with the process that started it:
// a machine without its switch and power button would be lost.
func start(cmd *exec.Cmd) (*tree, error) {
	t := &tree{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// Pdeathsig follows the thread that forked, so that thread must last.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
		err := cmd.Start()
		if err == nil {
			t.session = cmd.Process.Pid
		}
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // how a machine ended says nothing: the console does
		close(t.done)
	}()
	return t, <-started
}

// Done is closed when the machine's first process has ended and was reaped.
func (t *tree) Done() <-chan struct{} { return t.done }

// Kill ends every process of the session and returns when none is left, which also means that
// no disk is held open. An error means that one still lives: nobody may say "off" then.
func (t *tree) Kill() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	deadline := time.Now().Add(killWait)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		alive, err := t.signal(syscall.SIGKILL)
		if err != nil {
			return err
		}
		if len(alive) == 0 && t.reaped() {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("machine: processes %v do not end", alive)
		}
		<-tick.C
	}
}

// Pause stops all processes of the machine; one that is born meanwhile is found by looking again.
func (t *tree) Pause() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := -1
	for {
		alive, err := t.signal(syscall.SIGSTOP)
		if err != nil {
			return err
		}
		if len(alive) == 0 {
			return errors.New("machine: is not running")
		}
		if len(alive) == before {
			return nil
		}
		before = len(alive)
	}
}

// Resume lets all processes of the machine go on.
func (t *tree) Resume() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	alive, err := t.signal(syscall.SIGCONT)
	if err == nil && len(alive) == 0 {
		err = errors.New("machine: is not running")
	}
	return err
}

func (t *tree) reaped() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// signal sends sig to each living process of the session and returns their ids.
func (t *tree) signal(sig syscall.Signal) ([]int, error) {
	pids, err := members(t.session)
	if err != nil {
		return nil, err
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return nil, fmt.Errorf("machine: signal %d: %w", pid, err)
		}
	}
	return pids, nil
}

// members lists the processes of a session that still hold something: not zombies, whose files
// and memory are gone already.
func members(session int) ([]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		// proc(5): pid (name) state ppid pgrp session ...; the name may hold anything.
		line := string(text)
		end := strings.LastIndexByte(line, ')')
		if end < 0 {
			continue
		}
		fields := strings.Fields(line[end+1:])
		if len(fields) < 4 || fields[3] != strconv.Itoa(session) || fields[0] == "Z" || fields[0] == "X" {
			continue
		}
		pid, err := strconv.Atoi(line[:strings.IndexByte(line, ' ')])
		if err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
