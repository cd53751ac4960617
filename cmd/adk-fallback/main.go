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
	"runtime/debug"
	"strings"
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
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("adk-fallback {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newExplain(), newCheck())
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

// flagError says in plain words which flag is wrong, and why.
func flagError(cmd *cobra.Command, err error) error {
	help := "see " + cmd.CommandPath() + " --help"
	var named interface { // pflag's errors about a flag that does not exist, or has no value
		GetSpecifiedName() string
		GetSpecifiedShortnames() string
	}
	if errors.As(err, &named) {
		flag := "--" + named.GetSpecifiedName()
		if named.GetSpecifiedShortnames() != "" {
			flag = "-" + named.GetSpecifiedName()
		}
		if strings.HasPrefix(err.Error(), "flag needs an argument") {
			return fmt.Errorf("%s: %s needs a value; %s", cmd.Name(), flag, help)
		}
		return fmt.Errorf("%s: unknown flag %s; %s", cmd.Name(), flag, help)
	}
	var invalid interface{ GetValue() string } // pflag's error about a value, which names the flag in its text alone
	if errors.As(err, &invalid) {
		_, name, _ := strings.Cut(err.Error(), ` for "`)
		name, _, _ = strings.Cut(name, `" flag`)
		if flag := cmd.Flags().Lookup(strings.TrimLeft(name, "-")); flag != nil {
			return fmt.Errorf("%s: --%s is %q; it must be %s", cmd.Name(), flag.Name, invalid.GetValue(), valueOf[flag.Value.Type()])
		}
	}
	return fmt.Errorf("%s: %w; %s", cmd.Name(), err, help)
}

// valueOf says what the values of a type of flag are.
var valueOf = map[string]string{"int": "a whole number", "bool": "true or false", "stringArray": "a text", "stringSlice": "a list of texts"}
