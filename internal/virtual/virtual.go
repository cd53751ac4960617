// Package virtual runs a function in virtual time: its sleeps, timers and timeouts take no
// real time, and time moves on when all of its goroutines wait.
//
//	err := virtual.Run(func() {
//		start := time.Now()
//		time.Sleep(24 * time.Hour) // returns at once
//		fmt.Println(time.Since(start)) // 24h0m0s
//	})
//
// The library uses package time everywhere, so a simulation of the real code needs a clock
// beneath that package. Go has one, in [testing/synctest]. Its only way in needs a
// *[testing.T], which a command does not have. A zero T serves: synctest takes from it only
// the name and the state of a test run, and reports to it that the test has ended. Package
// testing registers its flags and prints results only in a test binary, which calls
// testing.MainStart, so none of that reaches the user of a command. The tests of this
// package fail if a version of Go needs more than that.
package virtual

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/adk-fallback/adk-fallback/internal/panics"
)

// Run calls f in virtual time, which begins at midnight UTC of 2000-01-01, and returns when
// f and all goroutines that it has started have ended. Time stands still when f has
// returned, so f must wait for goroutines that sleep. It must not use channels, timers or
// wait groups made outside of it, nor wait for anything outside, such as the network.
//
// The error names a panic of f, or says that goroutines are left that nothing wakes. A panic in
// another goroutine ends the program, as anywhere. Several Runs may be in progress at the
// same time; f must not call Run.
func Run(f func()) (err error) {
	defer func() {
		// The panic of synctest itself: goroutines are left. After a panic of f that is a
		// consequence, and err is set.
		if v := recover(); v != nil && err == nil {
			err = errors.New("virtual: goroutines are left that nothing wakes; end each one that the function starts")
		}
	}()
	synctest.Test(new(testing.T), func(*testing.T) {
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("virtual: panic: %s", panics.Text(v))
			}
		}()
		f()
	})
	return err
}
