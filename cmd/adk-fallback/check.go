package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/adk-fallback/adk-fallback/cmd/adk-fallback/internal/picture"
	"github.com/adk-fallback/adk-fallback/internal/terminal"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// errProblems is the error of a command that has found errors in a policy and printed them.
var errProblems = errors.New("the policy has errors")

type checkFlags struct {
	models []string
	json   bool
	schema bool
}

func newCheck() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Check policy files, and print the call tree of each",
		Long: `Check reports every mistake in a policy file, with its line and column, and warns of settings that are valid but may
not do what they seem to. For a file without errors it also prints the call tree, the model behind each target, and the
worst case of a call. It needs no keys and makes no network calls.

The file - is standard input, which messages call ` + stdinName + `.

If neither the file nor the prefix of a model's name gives its provider, the application must supply the model, and the output
says so. --model names the models that the application supplies; any other is then an error.

--json prints one JSON object on a line for each file, in the order of the arguments:

  file        the file's name
  ok          false if the file has errors
  problems    line, column, path, severity (error or warning), message
  models      name, model (aliases resolved), from (name, models or application) and, where they apply, entry (of section
              models), provider, id, credential_env
  tree        layer, settings (for people) and within (layers), the outermost first
  worst_case  attempts; waiting (until the first content or the error) and whole (until the end), each with seconds
              (null if unbounded) and by (the setting that is the limit, or could be)

A file with errors has no models, tree and worst_case. A file that cannot be read has no object.

` + exitHelp,
		Example: `  adk-fallback check fallback.yaml
  adk-fallback check policies/*.yaml
  adk-fallback check --model small-local-llm --json - < fallback.yaml
  adk-fallback check --schema > fallback.schema.json`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case f.schema && len(args) > 0:
				return fmt.Errorf("check: --schema takes no FILE; remove %s", args[0])
			case !f.schema && len(args) == 0:
				return errors.New("check needs at least one FILE, or - for standard input")
			case readTwice(args...):
				return errors.New("check: - is given twice, but standard input can be read only once; replace one - by a file")
			}
			return nil
		},
		ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.schema {
				return printSchema(cmd.OutOrStdout())
			}
			return check(cmd.InOrStdin(), cmd.OutOrStdout(), args, f)
		},
	}
	cmd.Flags().StringSliceVar(&f.models, "model", nil, "`name` of a model that the application supplies (repeatable)")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object for each file")
	cmd.Flags().BoolVar(&f.schema, "schema", false, "print the file format as a JSON Schema, for editors")
	completeNothing(cmd, "model")
	return cmd
}

// policyExtensions are the extensions of the files that shells complete.
var policyExtensions = []string{"yaml", "yml"}

// completeFiles completes any number of policy files.
func completeFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return policyExtensions, cobra.ShellCompDirectiveFilterFileExt
}

// completeOneFile completes one policy file.
func completeOneFile(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeFiles(cmd, args, word)
}

// completeNothing keeps shells from completing a flag's value with file names.
func completeNothing(cmd *cobra.Command, flags ...string) {
	for _, name := range flags {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions) // fails for a flag that does not exist, or twice
	}
}

// findings is the JSON form of a check.
type findings struct {
	File     string    `json:"file"`
	OK       bool      `json:"ok"`
	Problems []problem `json:"problems"`
	*picture.Picture
}

type problem struct {
	Line     int           `json:"line"`
	Column   int           `json:"column"`
	Path     string        `json:"path"`
	Severity spec.Severity `json:"severity"`
	Message  string        `json:"message"`
}

// check checks the files in order. One that cannot be read does not hide what is wrong with the others.
func check(in io.Reader, out io.Writer, files []string, f checkFlags) error {
	var unread []error
	known := knownOf(f.models)
	broken, printed := false, false
	for _, file := range files {
		p, problems, err := readPolicy(file, in, known)
		if err != nil {
			unread = append(unread, fmt.Errorf("check: %w", err))
			continue
		}
		broken = broken || p == nil
		if file == stdin {
			file = stdinName
		}
		found := findings{File: file, OK: p != nil, Problems: []problem{}}
		for _, one := range problems {
			found.Problems = append(found.Problems, problem{one.Line, one.Column, one.Path, one.Severity, one.Message})
		}
		if p != nil {
			found.Picture = picture.Of(p, known)
		}
		if f.json {
			err = printRedacted(out, p, func(out io.Writer) error { return json.NewEncoder(out).Encode(found) })
		} else {
			if printed {
				fmt.Fprintln(out)
			}
			err = printFindings(out, found, p, problems, len(files) > 1)
			printed = true
		}
		if err != nil {
			return fmt.Errorf("check: %w", err)
		}
	}
	switch {
	case unread != nil:
		return errors.Join(unread...)
	case broken:
		return fmt.Errorf("check: %w", errProblems)
	}
	return nil
}

// printFindings writes the findings about a file, which may be one of several. p is its policy, nil if it has errors.
func printFindings(out io.Writer, found findings, p *spec.Policy, problems []spec.Problem, several bool) error {
	if err := printProblems(out, found.File, problems); err != nil || !found.OK {
		return err
	}
	if len(problems) > 0 {
		fmt.Fprintln(out)
	}
	if several {
		fmt.Fprintf(out, "%s: ok\n", found.File)
	}
	return printRedacted(out, p, found.Print)
}

// printRedacted writes what print writes about a policy, without what looks like a key in its file. A nil policy has no
// more to print than its problems, which are redacted.
func printRedacted(out io.Writer, p *spec.Policy, print func(io.Writer) error) error {
	if p == nil {
		return print(out)
	}
	var b bytes.Buffer
	if err := print(&b); err != nil {
		return err
	}
	_, err := io.WriteString(out, p.Redact(b.String()))
	return err
}

// printProblems writes a line for each problem, in the form that editors follow: file:line:column: …
func printProblems(out io.Writer, file string, problems []spec.Problem) error {
	s := style{terminal.Styled(out)}
	for _, p := range problems {
		place, message, _ := strings.Cut(p.String(), " ")
		color := red
		if p.Severity == spec.SeverityWarning {
			color = yellow
			message = s.in(yellow, "warning:") + strings.TrimPrefix(message, "warning:")
		}
		if _, err := fmt.Fprintf(out, "%s %s\n", s.in(color, file+":"+place), message); err != nil {
			return err
		}
	}
	return nil
}
