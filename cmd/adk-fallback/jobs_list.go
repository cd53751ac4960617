package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

func jobsList(cmd *cobra.Command, f *jobsFlags) error {
	if err := checkState(cmd, f.state, allStates); err != nil {
		return err
	}
	if f.limit < 1 {
		return fmt.Errorf("%s: --limit is %d; it must be at least 1", commandName(cmd), f.limit)
	}
	q, shut, err := openQueue(cmd, f)
	if err != nil {
		return err
	}
	defer shut()
	ctx, stop := context.WithTimeout(cmd.Context(), jobsPatience)
	defer stop()
	list, err := q.List(ctx, jobs.Filter{State: jobs.State(f.state), Tenant: f.tenant, Limit: f.limit})
	if err != nil {
		return jobsError(cmd, f, err)
	}
	print := printJobs
	if f.json {
		print = printJobLines
	}
	if err := print(cmd.OutOrStdout(), list, time.Now()); err != nil {
		return fmt.Errorf("%s: %w", commandName(cmd), err)
	}
	if len(list) == f.limit {
		fmt.Fprintf(cmd.ErrOrStderr(), "the latest %d are printed, there may be more; see --limit\n", f.limit)
	}
	return nil
}

// printJobs prints a table for people.
func printJobs(out io.Writer, list []jobs.Job, now time.Time) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "no jobs")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTENANT\tSTATE\tATTEMPTS\tDUE\tAGE\tERROR")
	for _, job := range list {
		due := "-"
		if !job.Due.IsZero() {
			due = shortly(job.Due.Sub(now))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d/%d\t%s\t%s\t%s\n", printable(job.ID), printable(job.Tenant), printable(string(job.State)),
			job.Attempts, job.MaxAttempts, due, shortly(now.Sub(job.Created)), printable(job.Kind))
	}
	return w.Flush()
}

// jobLine is the JSON form of a job.
type jobLine struct {
	ID          string     `json:"id"`
	Tenant      string     `json:"tenant"`
	State       jobs.State `json:"state"`
	Attempts    int        `json:"attempts"`
	MaxAttempts int        `json:"max_attempts"`
	Due         *time.Time `json:"due"`
	AgeSeconds  float64    `json:"age_seconds"`
	ErrorKind   string     `json:"error_kind"`
}

func printJobLines(out io.Writer, list []jobs.Job, now time.Time) error {
	lines := json.NewEncoder(out)
	for _, job := range list {
		line := jobLine{
			ID: job.ID, Tenant: job.Tenant, State: job.State, Attempts: job.Attempts, MaxAttempts: job.MaxAttempts,
			AgeSeconds: now.Sub(job.Created).Round(time.Millisecond).Seconds(), ErrorKind: job.Kind,
		}
		if !job.Due.IsZero() {
			line.Due = &job.Due
		}
		if err := lines.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

// printable returns text for a cell of a table: "-" for nothing, and quoted if a character could move the cursor.
func printable(text string) string {
	switch {
	case text == "":
		return "-"
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return strconv.Quote(text)
	}
	return text
}

// shortly returns a time span in its largest unit, such as 3m, and a time that is over as -3m.
func shortly(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%s%ds", sign, d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%s%dm", sign, d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%s%dh", sign, d/time.Hour)
	}
	return fmt.Sprintf("%s%dd", sign, d/day)
}
