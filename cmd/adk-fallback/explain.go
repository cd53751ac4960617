package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/adk-fallback/adk-fallback/cmd/adk-fallback/internal/foresight"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// maxInput is the largest error body that explain reads, in bytes. The largest one seen in the wild is some KiB long.
const maxInput = 16 << 20

type explainFlags struct {
	status  int
	headers []string
	policy  string
	json    bool
}

func newExplain() *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain",
		Short: "Explain an error: retry, fall back or fail, and which rule decided it",
		Long: `Explain reads an error from standard input, the body of an HTTP response or the text of a Go error. It prints what the
library would do, and the rule that decided it. It needs no keys and makes no network calls.

The input may be up to 16 MiB long; the first 256 KiB of an error count. It may be empty only with an HTTP error status.

If the input is JSON Lines, two or more lines that are each a JSON value, each line is one error, and its verdict is one
line. --http-status and --header then apply to every line.

--policy adds what that policy would do with the error at its primary: how often it retries, whether the breaker opens, and
which target is called next, for a short call without a tenant. --json then has an object policy:

  file, primary
  retry       waits (min_seconds and max_seconds of each), because (why there are no more)
  breaker     present, opens_after (such failures in a row; 0 for never), open_seconds
  skipped     name and because of each entry that is skipped
  next        the target that is called; "" for none, and then because says why
  condition   that of next

` + exitHelp,
		Example: `  echo '{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}' | adk-fallback explain
  adk-fallback explain --http-status 503 --header 'Retry-After: 30' --json < body.json
  adk-fallback explain --http-status 503 --policy fallback.yaml < body.json
  adk-fallback explain --json < errors.jsonl`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("explain reads standard input and takes no arguments; remove %q, or pipe the error in, as in explain < FILE", args[0])
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return explain(cmd.InOrStdin(), cmd.OutOrStdout(), f)
		},
	}
	cmd.Flags().IntVar(&f.status, "http-status", 0, "HTTP `status` of the response; 0 for no response")
	cmd.Flags().StringArrayVar(&f.headers, "header", nil, "`'Name: value'` of a response header (repeatable)")
	cmd.Flags().StringVar(&f.policy, "policy", "", "policy `file` to apply to the error")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object, or one for each line of JSON Lines")
	_ = cmd.MarkFlagFilename("policy", policyExtensions...) // fails for a flag that does not exist
	completeNothing(cmd, "http-status", "header")
	return cmd
}

func explain(in io.Reader, out io.Writer, f explainFlags) error {
	if f.status != 0 && (f.status < 100 || f.status > 599) {
		return fmt.Errorf("explain: --http-status is %d; it must be from 100 to 599, or 0 for no response", f.status)
	}
	header, err := parseHeaders(f.headers)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	switch {
	case err != nil:
		return fmt.Errorf("explain: reading standard input: %w", err)
	case len(body) > maxInput:
		return fmt.Errorf("explain: standard input is larger than %d MiB; pass only the error", maxInput>>20)
	case len(strings.TrimSpace(string(body))) == 0 && f.status < 400:
		return errors.New("explain: standard input is empty; pass the body or text of an error, or --http-status from 400 to 599")
	}
	if lines := jsonLines(body); lines != nil {
		return explainLines(out, lines, header, f)
	}
	v := failure.Classifier{}.ClassifyHTTP(f.status, header, body)
	var ahead *foresight.Foresight
	if f.policy != "" {
		if ahead, err = foresee(f.policy, v); err != nil {
			return fmt.Errorf("explain: --policy: %w", err)
		}
	}
	if f.json {
		return printJSON(out, v, ahead, time.Now())
	}
	if err := printText(out, v, time.Now()); err != nil || ahead == nil {
		return err
	}
	return ahead.Print(out)
}

// foresee returns what a policy file would do with a verdict on its primary.
func foresee(file string, v failure.Verdict) (*foresight.Foresight, error) {
	if file == stdin {
		return nil, errors.New("standard input has the error; name a file")
	}
	p, problems, err := readPolicy(file, nil, knownOf(nil))
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, &spec.Error{Problems: problems, File: file}
	}
	return foresight.Of(p, file, v)
}

func parseHeaders(lines []string) (http.Header, error) {
	header := http.Header{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("explain: --header is %q; write it as 'Name: value'", line)
		}
		header.Add(name, strings.TrimSpace(value))
	}
	return header, nil
}

// explanation is the JSON form of a verdict.
type explanation struct {
	Action          failure.Action       `json:"action"`
	DelaySeconds    float64              `json:"delay_seconds"`    // wait before a retry
	CooldownSeconds float64              `json:"cooldown_seconds"` // how long to skip the scope
	CooldownUntil   string               `json:"cooldown_until,omitempty"`
	Kind            failure.Kind         `json:"kind"`
	Scope           failure.Scope        `json:"scope"`
	Code            string               `json:"code"`
	HTTPStatus      int                  `json:"http_status"`
	Reason          string               `json:"reason"`
	Policy          *foresight.Foresight `json:"policy,omitempty"` // with --policy
}

func printJSON(out io.Writer, v failure.Verdict, ahead *foresight.Foresight, now time.Time) error {
	until := ""
	if v.Cooldown > 0 {
		until = now.Add(v.Cooldown).Local().Format(time.RFC3339)
	}
	return json.NewEncoder(out).Encode(explanation{
		Action: v.Action, DelaySeconds: v.RetryAfter.Seconds(), CooldownSeconds: v.Cooldown.Seconds(), CooldownUntil: until,
		Kind: v.Kind, Scope: v.Scope, Code: v.Code, HTTPStatus: v.HTTPStatus, Reason: v.Reason, Policy: ahead,
	})
}

func printText(out io.Writer, v failure.Verdict, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, value)
		}
	}
	line("action", string(v.Action))
	line("because", v.Reason)
	line("kind", string(v.Kind))
	line("scope", string(v.Scope))
	line("wait", positive(v.RetryAfter))
	line("cooldown", cooldown(v.Cooldown, now))
	if v.MaxRetries > 0 {
		line("retries", fmt.Sprintf("at most %d", v.MaxRetries))
	}
	line("code", v.Code)
	if v.HTTPStatus > 0 {
		line("status", strings.TrimSpace(fmt.Sprintf("%d %s", v.HTTPStatus, http.StatusText(v.HTTPStatus))))
	}
	line("message", v.Message)
	return w.Flush()
}

func positive(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return d.Round(time.Millisecond).String()
}

// cooldown returns the length of a cooldown and its end, in local time with its zone; "" for none.
func cooldown(d time.Duration, now time.Time) string {
	if d <= 0 {
		return ""
	}
	const layout = "Mon 2 Jan 2006 15:04:05 MST"
	return positive(d) + ", until " + now.Add(d).Local().Format(layout)
}
