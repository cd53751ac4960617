// Command adk-fallback explains what a provider's error means to the fallback library, and checks policy files.
//
//	curl -s … | adk-fallback explain --http-status 429 --header 'Retry-After: 30'
//	adk-fallback check fallback.yaml
//
// Each subcommand lives in a file of its own. What it does is done by the library; a command reads flags and prints.
package main

import (
	"errors"
	"fmt"
	"os"
	_ "time/tzdata" // a container from scratch has no time zones, and budgets need them

	"github.com/spf13/cobra"
)

// Exit statuses.
const (
	exitProblems = 1 // what was checked has errors
	exitUsage    = 2 // the input cannot be used
)

func main() {
	err := newRoot().Execute()
	if err != nil {
		fmt.Fprintln(os.Stderr, "adk-fallback:", err)
	}
	os.Exit(exitStatus(err))
}

func exitStatus(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errProblems):
		return exitProblems
	}
	return exitUsage
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "adk-fallback",
		Short:         "Explain and check how agents fall back when their model fails",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(newExplain(), newCheck())
	return root
}
