package main

import (
	"syscall"
	"time"
)

// pause sleeps in the kernel, which wakes the caller's thread within a tenth of a millisecond. After
// time.Sleep, an idle program resumes up to a millisecond late: calls would start in groups, and
// wait for each other.
func pause(d time.Duration) {
	if d > 0 {
		t := syscall.NsecToTimespec(d.Nanoseconds())
		_ = syscall.Nanosleep(&t, nil) // a signal ends it early, which does not matter
	}
}
