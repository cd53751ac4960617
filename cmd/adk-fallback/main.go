// Command adk-fallback explains what a provider's error means to the fallback library.
//
//	curl -s … | adk-fallback explain --http-status 429 --header 'Retry-After: 30'
//
// Each subcommand lives in a file of its own. What it does is done by the library; a command reads flags and prints.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// exitUsage is the exit status for input that cannot be used.
const exitUsage = 2

func main() {
	if err := newRoot().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "adk-fallback:", err)
		os.Exit(exitUsage)
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "adk-fallback",
		Short:         "Explain and check how agents fall back when their model fails",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(newExplain())
	return root
}
