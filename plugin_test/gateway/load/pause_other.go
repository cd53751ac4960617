//go:build !linux

package main

import "time"

func pause(due time.Time) { time.Sleep(time.Until(due)) }
