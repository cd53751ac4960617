package main

import (
	"syscall"
	"time"
)

// pause sleeps in the kernel until due, which wakes the caller's thread within a tenth of a
// millisecond. After time.Sleep, an idle program resumes up to a millisecond late: calls would
// start in groups, and wait for each other.
func pause(due time.Time) {
	for d := time.Until(due); d > 0; d = time.Until(due) { // a signal ends it early
		t := syscall.NsecToTimespec(d.Nanoseconds())
		_ = syscall.Nanosleep(&t, nil)
	}
}
