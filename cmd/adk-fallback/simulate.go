package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/adk-fallback/adk-fallback/cmd/adk-fallback/internal/foresight"
	"github.com/adk-fallback/adk-fallback/internal/simulate"
	"github.com/adk-fallback/adk-fallback/internal/simulate/report"
	"github.com/adk-fallback/adk-fallback/internal/simulate/scenario"
)

type simulateFlags struct {
	scenario string
	calls    int
	seed     int
	html     string
	json     bool
	list     bool
	schema   bool
	require  []string
}

func newSimulate() *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate FILE...",
		Short: "Simulate a day of traffic and failures under policy files",
		Long: `Simulate runs the call tree of each policy file in virtual time, against scripted models and the traffic of a scenario, and
compares the policies with each other and with the primary alone. It prints availability, percentiles, cost, the share of
fallbacks, amplification (requests at providers for each call), and for each event how long users noticed it and how
long calls stayed with fallbacks. It needs no keys and makes no network calls.

--scenario is a file, or one of the scenarios that --list prints. The file - is standard input. docs/simulate.md describes the format.

A simulated call stands for many real ones; quotas, limits and budgets are divided accordingly. --calls sets the number
of simulated calls of each policy: more take longer and are more accurate. Notes at the end of the report say what is not
accurate. The same files, --calls and --seed give the same report, byte for byte. A scenario with errors has the exit
status of a policy file with errors.

--require makes the command fail, with exit status 1, if a policy misses a bound, for example in CI. A bound is a figure
of the report, <= or >=, and a value. With "of without", the value is a share of the figure of the primary alone. A bound is
missed if there is nothing to measure, such as a cost if the price of one model is unknown.

--json prints one JSON object. Its runs are the policies in the order of the arguments, and at the end the primary of the
first one without any policy. Shares are from 0 to 1.

` + exitHelp,
		Example: `  adk-fallback simulate fallback.yaml --scenario regional-outage
  adk-fallback simulate --list
  adk-fallback simulate before.yaml after.yaml --scenario scenario.yaml --html report.html
  adk-fallback simulate fallback.yaml --scenario regional-outage --require 'available >= 99.9%' --require 'cost <= 120% of without'
  adk-fallback simulate --schema > scenario.schema.json`,
		Args:              f.checkArgs,
		ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.list:
				return listScenarios(cmd.OutOrStdout())
			case f.schema:
				return printJSONSchema(cmd.OutOrStdout(), scenario.Schema())
			}
			return simulatePolicies(cmd, args, f, cmd.Flags().Changed("seed"))
		},
	}
	cmd.Flags().StringVar(&f.scenario, "scenario", "", "`file` or name of the scenario")
	cmd.Flags().IntVar(&f.calls, "calls", simulate.DefaultCalls, "`number` of calls to simulate for each policy, about")
	cmd.Flags().IntVar(&f.seed, "seed", 1, "`seed` of the random draws, instead of the scenario's")
	cmd.Flags().StringVar(&f.html, "html", "", "also write the report with plots to this `file`")
	cmd.Flags().StringArrayVar(&f.require, "require", nil, "`bound` that each policy must keep, such as 'available >= 99.9%'; may be repeated")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
	cmd.Flags().BoolVar(&f.list, "list", false, "list the built-in scenarios")
	cmd.Flags().BoolVar(&f.schema, "schema", false, "print the format of scenarios as a JSON Schema, for editors")
	completeNothing(cmd, "calls", "seed", "require")
	_ = cmd.RegisterFlagCompletionFunc("scenario", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return scenarioNames(), cobra.ShellCompDirectiveDefault // names, and files
	})
	_ = cmd.MarkFlagFilename("html", "html") // fails for a flag that does not exist
	return cmd
}

// checkArgs returns an error for arguments and flags that do not go together.
func (f *simulateFlags) checkArgs(_ *cobra.Command, args []string) error {
	switch {
	case f.list && f.schema:
		return errors.New("simulate: --list and --schema exclude each other")
	case (f.list || f.schema) && len(args) > 0:
		return fmt.Errorf("simulate: --list and --schema take no FILE; remove %s", args[0])
	case f.list || f.schema:
		return nil
	case len(args) == 0:
		return errors.New("simulate needs at least one FILE")
	case f.scenario == "":
		return errors.New("simulate needs --scenario; --list prints the built-in ones")
	case readTwice(append(slices.Clone(args), f.scenario)...):
		return errors.New("simulate: - is given twice, but standard input can be read only once; replace one - by a file")
	}
	return nil
}

// Bounds of --calls. A simulated call takes up to 200 bytes of memory to its end.
const (
	minCalls = 100
	maxCalls = 20_000_000
)

func simulatePolicies(cmd *cobra.Command, files []string, f simulateFlags, seeded bool) error {
	if f.calls < minCalls || f.calls > maxCalls {
		return fmt.Errorf("simulate: --calls is %d; it must be from %d to %d", f.calls, minCalls, maxCalls)
	}
	if f.seed < 0 {
		return fmt.Errorf("simulate: --seed is %d; it must be 0 or more", f.seed)
	}
	required, err := requirements(f.require)
	if err != nil {
		return err
	}
	if err := checkOutput(f.html, append(slices.Clone(files), f.scenario)...); err != nil {
		return fmt.Errorf("simulate: --html: %w", err)
	}
	s, err := readScenario(f.scenario, cmd.InOrStdin())
	if f.scenario == stdin {
		f.scenario = stdinName
	}
	if bad, ok := errors.AsType[*scenario.Error](err); ok {
		if err := printProblems(cmd.ErrOrStderr(), f.scenario, bad.Problems); err != nil {
			return fmt.Errorf("simulate: %w", err)
		}
		return fmt.Errorf("simulate: %s: %w", f.scenario, errScenario)
	}
	if err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	if seeded {
		s.Seed = f.seed
	}
	policies, err := policiesOf(cmd, files)
	if err != nil {
		return err
	}
	r, err := simulate.Run(simulate.Config{Scenario: s, Name: f.scenario, Policies: policies, Build: foresight.Build, Calls: f.calls})
	if err != nil {
		return err
	}
	missed := r.Require(required)
	if err := printReport(cmd.OutOrStdout(), r, f); err != nil {
		return err
	}
	if missed > 0 {
		return fmt.Errorf("simulate: %w %d of %d bounds", errMissed, missed, len(r.Required))
	}
	return nil
}

// errMissed is the error if policies miss bounds. The report lists them.
var errMissed = errors.New("the policies miss")

// requirements reads the values of --require.
func requirements(texts []string) (all []report.Requirement, err error) {
	for _, text := range texts {
		q, err := report.ParseRequirement(text)
		if err != nil {
			return nil, fmt.Errorf("simulate: --require: %w", err)
		}
		all = append(all, q)
	}
	return all, nil
}

// errScenario is the error of a scenario whose mistakes have been printed.
var errScenario = errors.New("the scenario has errors")

// policiesOf reads the policies. Problems go to standard error.
func policiesOf(cmd *cobra.Command, files []string) (policies []simulate.Policy, err error) {
	broken := false
	for _, file := range files {
		p, problems, err := readPolicy(file, cmd.InOrStdin(), knownOf(nil))
		if err != nil {
			return nil, fmt.Errorf("simulate: %w", err)
		}
		if file == stdin {
			file = stdinName
		}
		if p == nil {
			broken = true
			if err := printProblems(cmd.ErrOrStderr(), file, problems); err != nil {
				return nil, fmt.Errorf("simulate: %w", err)
			}
			continue
		}
		if slices.ContainsFunc(policies, func(other simulate.Policy) bool { return other.Name == file }) {
			return nil, fmt.Errorf("simulate: %s is given twice", file)
		}
		policies = append(policies, simulate.Policy{Name: file, Spec: p})
	}
	if broken {
		return nil, fmt.Errorf("simulate: %w", errProblems)
	}
	return policies, nil
}

// printReport writes a report in the forms that f selects.
func printReport(out io.Writer, r *report.Report, f simulateFlags) error {
	if f.html != "" {
		page, err := r.HTML()
		if err == nil {
			err = os.WriteFile(f.html, page, 0o644)
		}
		if err != nil {
			return fmt.Errorf("simulate: --html: %w", err)
		}
	}
	if f.json {
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false)
		return e.Encode(r)
	}
	return r.Print(out)
}
