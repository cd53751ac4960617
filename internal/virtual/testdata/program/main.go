// A program that is no test and uses virtual time.
package main

import (
	"flag"
	"fmt"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/virtual"
)

func main() {
	var slept time.Duration
	err := virtual.Run(func() {
		start := time.Now()
		time.Sleep(time.Hour)
		slept = time.Since(start)
		panic("text")
	})
	flags := 0
	flag.VisitAll(func(*flag.Flag) { flags++ })
	fmt.Printf("flags %d, slept %v, error %v\n", flags, slept, err)
}
