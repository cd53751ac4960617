package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"

	_ "github.com/glebarez/sqlite" // registers the driver "sqlite"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/spf13/cobra"

	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

// maxJobsError is the length of an error of the database in bytes, at most.
const maxJobsError = 512

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// openQueue opens the queue that the flags name. Call shut when done with it.
func openQueue(cmd *cobra.Command, f *jobsFlags) (q *jobs.Queue, shut func(), err error) {
	name := commandName(cmd)
	if (f.file == "") == (f.postgresEnv == "") {
		return nil, nil, fmt.Errorf("%s needs either --file or --postgres-env", name)
	}
	config := jobs.Config{File: f.file, Existing: true, Logger: slog.New(slog.DiscardHandler)}
	closeDB := func() {}
	if f.postgresEnv != "" {
		server, err := postgresConfig(f.postgresEnv)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		config.DB = stdlib.OpenDB(*server)
		closeDB = func() { _ = config.DB.Close() }
	}
	ctx, stop := context.WithTimeout(cmd.Context(), jobsPatience)
	defer stop()
	if q, err = jobs.Open(ctx, config); err != nil {
		closeDB()
		return nil, nil, jobsError(cmd, f, err)
	}
	return q, func() { _ = q.Close(); closeDB() }, nil
}

// postgresConfig reads the URL in a variable. Its errors do not quote the URL, which may have a password, nor what is not the
// name of a variable: somebody may have put the URL there.
func postgresConfig(variable string) (*pgx.ConnConfig, error) {
	if !envName.MatchString(variable) {
		return nil, errors.New("--postgres-env must be the name of an environment variable, such as JOBS_URL; put the URL into that")
	}
	url, ok := os.LookupEnv(variable)
	if !ok || strings.TrimSpace(url) == "" {
		return nil, fmt.Errorf("--postgres-env: the environment variable %s is not set; set it to a URL such as postgres://user@host/database", variable)
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("--postgres-env: the value of %s is not a PostgreSQL URL; set it to one such as postgres://user@host/database", variable)
	}
	return config, nil
}

// jobsError says which command failed with which queue. What drivers say of an address is redacted.
func jobsError(cmd *cobra.Command, f *jobsFlags, err error) error {
	text := strings.ReplaceAll(strings.ReplaceAll(err.Error(), "jobs: ", ""), "Config.File", "--file")
	if f.file == "" {
		text = redact.Text(text, maxJobsError)
	}
	if place := f.file; place != "" && !strings.Contains(text, place) {
		text = place + ": " + text
	}
	return fmt.Errorf("%s: %s", commandName(cmd), text)
}
