// Command adk-fallback checks policy files, writes alert rules for Prometheus from them,
// explains what a provider's error means to the fallback library, simulates policies under
// traffic and outages, serves policies as a gateway, and manages queues of deferred calls.
//
//	adk-fallback check fallback.yaml
//	adk-fallback check --json *.yaml
//	adk-fallback alerts fallback.yaml > rules.yaml
//	curl -s … | adk-fallback explain --http-status 429 --header 'Retry-After: 30'
//	adk-fallback simulate fallback.yaml --scenario regional-outage
//	adk-fallback serve fallback.yaml
//	adk-fallback keys new --tenant acme
//	adk-fallback jobs list --file jobs.db
//	adk-fallback --version
//
// Only serve needs keys, and only serve and jobs make network calls. Exit statuses:
//
//	0  nothing is wrong
//	1  a policy file or a scenario has errors, or a policy misses a bound of simulate
//	2  the arguments, a file or the input cannot be used
//
// On a terminal, check prints in colour; NO_COLOR=1 switches that off.
// adk-fallback completion --help tells how to set up completion in bash, zsh, fish
// and PowerShell.
//
// Each subcommand has a file of its own, which reads flags and prints. The work is
// done by the library, by package alerts (rules for Prometheus), by internal/picture
// (what a policy becomes; package spec alone), by internal/foresight (what a policy
// does with a failure; builds it) and by package simulate of the module's internal folder.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	_ "time/tzdata" // a container from scratch has no time zones, and budgets need them

	"github.com/spf13/cobra"
)

// Exit statuses other than 0.
const (
	exitProblems = 1 // a policy file or a scenario has errors, or a policy misses a bound
	exitUsage    = 2 // the arguments, a file or the input cannot be used
)

const exitHelp = `Exit status: 0 if nothing is wrong, 1 if a policy file has errors, 2 if the arguments, a file or the input cannot be used.`

func main() {
	err := newRoot().Execute()
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintln(os.Stderr, "adk-fallback:", strings.TrimSuffix(line, "\n"))
		}
	}
	os.Exit(exitStatus(err))
}

func exitStatus(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errProblems), errors.Is(err, errScenario), errors.Is(err, errMissed):
		return exitProblems
	}
	return exitUsage
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "adk-fallback",
		Short: "Check, simulate and serve policy files, write alert rules, explain the errors of model providers, manage deferred calls",
		Long: `adk-fallback checks the policy files of the fallback library, simulates them, serves them as a gateway, writes alert rules
for Prometheus from them, explains what a provider's error means to the library, and manages its queues of deferred calls. Only
serve needs keys. Only serve and jobs make network calls: serve to models and to Redis, jobs to its PostgreSQL database.

` + exitHelp,
		Example: `  adk-fallback check fallback.yaml
  adk-fallback serve fallback.yaml --addr 127.0.0.1:8900
  adk-fallback alerts fallback.yaml > rules.yaml
  adk-fallback explain --http-status 503 --header 'Retry-After: 30' < body.json
  adk-fallback simulate fallback.yaml --scenario regional-outage
  adk-fallback jobs list --file jobs.db
  source <(adk-fallback completion bash)`,
		Version:               version(),
		Args:                  unknownCommand,
		RunE:                  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		DisableFlagsInUseLine: true,
		SilenceErrors:         true,
		SilenceUsage:          true,
	}
	root.SetVersionTemplate("adk-fallback {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newCheck(), newAlerts(), newExplain(), newSimulate(), newServe(), newKeys(), newJobs())
	return root
}

// version is that of the module, as `go install …@VERSION` and builds in a checkout record it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(unknown version)"
	}
	return info.Main.Version + " " + info.GoVersion
}

// didYouMean suggests a word, or help if none is near.
func didYouMean(word, help string) string {
	if word == "" {
		return help
	}
	return "did you mean " + word + "?"
}
