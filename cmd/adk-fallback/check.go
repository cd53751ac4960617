package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// errProblems is the error of a check that has found some and said so.
var errProblems = errors.New("check: the policy has errors")

type checkFlags struct {
	models []string
	json   bool
	schema bool
}

func newCheck() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Check a policy file, and print the tree that is built from it",
		Long: `Check reads a policy file and prints every mistake in it, with line and column, what was found and what is allowed, and
warnings of what is allowed but may not do what it seems to. For a file without errors it also prints the tree that calls
go through, who serves each model, and the worst that can become of a call. It asks nobody, and needs no credentials.

It exits with status 1 if anything is an error, and with status 2 if the file cannot be read.

A name that neither the file nor a provider resolves is a warning: perhaps the application hands that model in. With
--model it is known which ones it does, and any other is an error.

--json prints one object:

  file        the file's name
  ok          whether nothing is an error
  problems    line, column, path, severity (error or warning), found, allowed
  models      name, model (without aliases), from (name, models or application), and where they apply entry (of section
              models), provider, id, credential_env
  tree        layer, settings (for people) and within (layers), the outermost first
  worst_case  attempts; waiting (until the first content or the error) and whole (until the end), each with seconds
              (null for no bound) and by (the setting that bounds it, or could)

models, tree and worst_case are left out if anything is an error.`,
		Example: `  adk-fallback check fallback.yaml
  adk-fallback check --model small-local-llm --json fallback.yaml
  adk-fallback check --schema > fallback.schema.json`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case f.schema && len(args) > 0:
				return fmt.Errorf("check: --schema and %q: allowed is one of them", args[0])
			case !f.schema && len(args) != 1:
				return fmt.Errorf("check: %d files: allowed is 1", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.schema {
				return printSchema(cmd.OutOrStdout())
			}
			return check(cmd.OutOrStdout(), args[0], f)
		},
	}
	cmd.Flags().StringSliceVar(&f.models, "model", nil, "`name` of a model that the application hands in (repeatable)")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
	cmd.Flags().BoolVar(&f.schema, "schema", false, "print the format as a JSON Schema, for editors")
	return cmd
}

// findings is the JSON form of a check.
type findings struct {
	File      string    `json:"file"`
	OK        bool      `json:"ok"`
	Problems  []problem `json:"problems"`
	Models    []served  `json:"models,omitempty"`
	Tree      *layer    `json:"tree,omitempty"`
	WorstCase *worst    `json:"worst_case,omitempty"`
}

type problem struct {
	Line     int           `json:"line"`
	Column   int           `json:"column"`
	Path     string        `json:"path"`
	Severity spec.Severity `json:"severity"`
	Message  string        `json:"message"`
}

func check(out io.Writer, file string, f checkFlags) error {
	p, problems, err := readPolicy(file, f.models)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	found := findings{File: file, OK: p != nil, Problems: []problem{}}
	for _, one := range problems {
		found.Problems = append(found.Problems, problem{one.Line, one.Column, one.Path, one.Severity, one.Message})
	}
	if p != nil {
		good, worst := checked{p, f.models}, worstOf(p)
		found.Models, found.Tree, found.WorstCase = good.models(), good.tree(), &worst
	}
	if f.json {
		err = json.NewEncoder(out).Encode(found)
	} else {
		err = printFindings(out, found, problems)
	}
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if p == nil {
		return errProblems
	}
	return nil
}

func printFindings(out io.Writer, found findings, problems []spec.Problem) error {
	if err := printProblems(out, found.File, problems); err != nil || !found.OK {
		return err
	}
	if len(problems) > 0 {
		fmt.Fprintln(out)
	}
	if err := found.Tree.print(out, 0); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nmodels")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, m := range found.Models {
		by := m.by()
		if from := m.from(); from != "" {
			by += "\t" + from
		}
		fmt.Fprintf(w, "  %s\t%s\n", m.Name, by)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\nworst case of a call\n%s", found.WorstCase)
	return err
}
