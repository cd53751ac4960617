package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/adk-fallback/adk-fallback/internal/nearest"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

// jobsPatience bounds each change of a job, and each list of them, in a database that is slow or locked.
const jobsPatience = 10 * time.Second

// jobsFlags say where the queue is and which of its jobs are meant.
type jobsFlags struct {
	file, postgresEnv string
	state, tenant     string
	limit             int
	json              bool
}

func newJobs() *cobra.Command {
	var f jobsFlags
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: "List, retry and cancel deferred calls",
		Long: `Jobs manages a queue of deferred calls (package jobs of the library). The application may be running.

The queue is the SQLite database that --file names, or the PostgreSQL database whose URL is in the environment variable that
--postgres-env names. The queue must exist: the command neither creates a database nor changes its schema. It needs no
codec, and it never prints prompts, answers or error messages.

` + exitHelp,
		Example: `  adk-fallback jobs list --file jobs.db --state failed
  adk-fallback jobs retry --file jobs.db --state failed --tenant acme
  adk-fallback jobs cancel --postgres-env JOBS_URL 7snmfenbuhhjpkkl3ixm2rmvyq`,
		Args:              unknownCommand,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&f.file, "file", "", "SQLite `file` of the queue")
	cmd.PersistentFlags().StringVar(&f.postgresEnv, "postgres-env", "", "`name` of the environment variable that has the URL of the PostgreSQL database")
	_ = cmd.RegisterFlagCompletionFunc("postgres-env", cobra.NoFileCompletions) // fails for a flag that does not exist, or twice
	cmd.AddCommand(newJobsList(&f), newJobsRetry(&f), newJobsCancel(&f))
	return cmd
}

func newJobsList(f *jobsFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Print jobs, the latest first",
		Long: `List prints jobs, the latest first. DUE is the time until a pending job is attempted again, or until the lease of a running job
ends; it is negative if that time has passed. AGE is the time since the call was deferred, or retried. ERROR is the kind
of the latest failure: a kind that explain prints, such as rate_limit; or refused (by a breaker, a limit or a budget),
degraded (only a last resort answered), undelivered, unreadable (the worker lacks the codec), expired or shutdown.

--json prints one JSON object on a line for each job:

  id, tenant
  state         pending, running, done, failed or cancelled
  attempts      calls that reached a model; max_attempts bounds them
  due           date and time; null if the job has ended
  age_seconds
  error_kind    "" for none

` + exitHelp,
		Example: `  adk-fallback jobs list --file jobs.db
  adk-fallback jobs list --file jobs.db --tenant acme --state failed --json`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return jobsList(cmd, f)
		},
	}
	addJobsFilter(cmd, f, allStates)
	cmd.Flags().IntVar(&f.limit, "limit", 100, "`number` of jobs to print at most")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object for each job")
	completeNothing(cmd, "limit")
	return cmd
}

func newJobsRetry(f *jobsFlags) *cobra.Command {
	return newJobsChange(f, &cobra.Command{
		Use:   "retry [ID...]",
		Short: "Make failed or cancelled jobs due at once",
		Long: `Retry makes failed or cancelled jobs due at once, with all their attempts and their full time until expiry. Name jobs by their
ids, or select all in a state with --state. A worker takes them when it next looks at the queue.

If a job cannot be retried, the others still are.

` + exitHelp,
		Example: `  adk-fallback jobs retry --file jobs.db 7snmfenbuhhjpkkl3ixm2rmvyq
  adk-fallback jobs retry --file jobs.db --state failed`,
	}, "retried", []jobs.State{jobs.Failed, jobs.Cancelled}, (*jobs.Queue).Retry)
}

func newJobsCancel(f *jobsFlags) *cobra.Command {
	return newJobsChange(f, &cobra.Command{
		Use:   "cancel [ID...]",
		Short: "End pending or running jobs",
		Long: `Cancel ends pending or running jobs. Name jobs by their ids, or select all in a state with --state. A call that is running
ends within a third of its lease; an answer that is being delivered may still arrive.

If a job has already ended, the others are still cancelled.

` + exitHelp,
		Example: `  adk-fallback jobs cancel --file jobs.db 7snmfenbuhhjpkkl3ixm2rmvyq
  adk-fallback jobs cancel --file jobs.db --state pending --tenant acme`,
	}, "cancelled", []jobs.State{jobs.Pending, jobs.Running}, (*jobs.Queue).Cancel)
}

// newJobsChange completes a command that changes jobs in one of the given states.
func newJobsChange(f *jobsFlags, cmd *cobra.Command, done string, states []jobs.State, change func(*jobs.Queue, context.Context, string) error) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, ids []string) error {
		switch {
		case len(ids) == 0 && f.state == "":
			return fmt.Errorf("%s needs an ID, or --state", commandName(cmd))
		case len(ids) > 0 && (f.state != "" || f.tenant != ""):
			return fmt.Errorf("%s: --state and --tenant select jobs that no ID names; remove them or the IDs", commandName(cmd))
		}
		return nil
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, ids []string, _ string) ([]string, cobra.ShellCompDirective) {
		return jobIDs(cmd, f, states, ids), cobra.ShellCompDirectiveNoFileComp
	}
	cmd.RunE = func(cmd *cobra.Command, ids []string) error {
		if err := checkState(cmd, f.state, states); err != nil {
			return err
		}
		q, shut, err := openQueue(cmd, f)
		if err != nil {
			return err
		}
		defer shut()
		if f.state != "" {
			if ids, err = selected(cmd, q, f, states); err != nil {
				return err
			}
		}
		var problems []error
		for _, id := range ids {
			ctx, stop := context.WithTimeout(cmd.Context(), jobsPatience)
			err := change(q, ctx, id)
			stop()
			if err != nil {
				problems = append(problems, jobsError(cmd, f, fmt.Errorf("%.64q: %w", id, err)))
				continue
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", done, id)
		}
		return errors.Join(problems...)
	}
	addJobsFilter(cmd, f, states)
	return cmd
}

var allStates = []jobs.State{jobs.Pending, jobs.Running, jobs.Done, jobs.Failed, jobs.Cancelled}

func addJobsFilter(cmd *cobra.Command, f *jobsFlags, states []jobs.State) {
	words := wordsOf(states)
	cmd.Flags().StringVar(&f.state, "state", "", "only jobs in this `state`: "+strictyaml.OneOf(words))
	cmd.Flags().StringVar(&f.tenant, "tenant", "", "only jobs of this `tenant`")
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	completeNothing(cmd, "tenant")
}

func wordsOf(states []jobs.State) []string {
	words := make([]string, len(states))
	for i, state := range states {
		words[i] = string(state)
	}
	return words
}

func checkState(cmd *cobra.Command, state string, states []jobs.State) error {
	if state == "" || slices.Contains(states, jobs.State(state)) {
		return nil
	}
	return fmt.Errorf("%s: --state is %.64q; it must be %s", commandName(cmd), state, strictyaml.OneOf(wordsOf(states)))
}

// selected returns the ids of all jobs that the flags select; without a state, of those in one of states.
func selected(cmd *cobra.Command, q *jobs.Queue, f *jobsFlags, states []jobs.State) (ids []string, err error) {
	if f.state != "" {
		states = []jobs.State{jobs.State(f.state)}
	}
	ctx, stop := context.WithTimeout(cmd.Context(), jobsPatience)
	defer stop()
	for _, state := range states {
		list, err := q.List(ctx, jobs.Filter{State: state, Tenant: f.tenant, Limit: math.MaxInt32})
		if err != nil {
			return nil, jobsError(cmd, f, err)
		}
		for _, job := range list {
			ids = append(ids, job.ID)
		}
	}
	return ids, nil
}

// jobIDs returns the ids that a shell completes: of jobs in one of states, without those that are named already. A queue that
// cannot be read has none.
func jobIDs(cmd *cobra.Command, f *jobsFlags, states []jobs.State, named []string) []string {
	q, shut, err := openQueue(cmd, f)
	if err != nil {
		return nil
	}
	defer shut()
	ids, _ := selected(cmd, q, f, states)
	return slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(named, id) })
}

// commandName is the name of a command in messages, such as "jobs list".
func commandName(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments; remove %q", commandName(cmd), args[0])
	}
	return nil
}

// unknownCommand is the Args of a command that has others and does nothing itself.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range cmd.Commands() {
		names = append(names, sub.Name())
	}
	return fmt.Errorf("unknown command %q; %s", args[0], didYouMean(nearest.Of(args[0], names), "see "+cmd.CommandPath()+" --help"))
}
