package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/adk-fallback/adk-fallback/internal/alerts"
)

func newAlerts() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "alerts FILE",
		Short: "Write alert rules for Prometheus from a policy file",
		Long: `Alerts prints a rules file for Prometheus: recording rules for the fallback rate, availability, errors and percentiles of
each target, and the alerts of the file's section alerts. Without that section, the alerts have their defaults. An alert
that needs a section or a last resort that the file does not have is omitted, such as that of a budget without budgets.

The metrics are those of package observe, exported by OpenTelemetry's exporter for Prometheus with its default settings.
Equal files give equal rules. It needs no keys and makes no network calls.

The file - is standard input. Mistakes and warnings go to standard error.

` + exitHelp,
		Example: `  adk-fallback alerts fallback.yaml
  adk-fallback alerts --output rules.yaml fallback.yaml
  promtool check rules rules.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("alerts needs exactly one FILE, or - for standard input")
			}
			return nil
		},
		ValidArgsFunction: completeOneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output, args[0]); err != nil {
				return fmt.Errorf("alerts: --output: %w", err)
			}
			rules, err := rulesOf(args[0], cmd.InOrStdin(), cmd.ErrOrStderr())
			switch {
			case err != nil:
				return err
			case output == "":
				_, err = cmd.OutOrStdout().Write(rules)
			default:
				err = os.WriteFile(output, rules, 0o644)
			}
			if err != nil {
				return fmt.Errorf("alerts: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&output, "output", "", "`file` to write, instead of standard output")
	_ = cmd.MarkFlagFilename("output", policyExtensions...) // fails for a flag that does not exist
	return cmd
}

// rulesOf returns the rules of a policy file. It prints the file's problems to problems.
func rulesOf(file string, in io.Reader, problems io.Writer) ([]byte, error) {
	p, found, err := readPolicy(file, in, knownOf(nil))
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	if file == stdin {
		file = stdinName
	}
	if err := printProblems(problems, file, found); err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	if p == nil {
		return nil, fmt.Errorf("alerts: %w", errProblems)
	}
	return alerts.Rules(p, filepath.Base(file))
}
