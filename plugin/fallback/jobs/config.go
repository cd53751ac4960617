package jobs

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"

	"google.golang.org/adk/v2/session"
)

// Defaults of Config.
const (
	DefaultDriver      = "sqlite"
	DefaultWorkers     = 4
	DefaultLease       = 30 * time.Second
	DefaultPoll        = time.Second
	DefaultExpiry      = 24 * time.Hour
	DefaultMaxAttempts = 20
	DefaultBackoff     = 5 * time.Second
	DefaultMaxBackoff  = 5 * time.Minute
	DefaultTimeout     = 10 * time.Minute
	DefaultRetention   = 7 * 24 * time.Hour
	DefaultDrain       = 30 * time.Second
)

// Config says where the queue is, where answers go and within which bounds jobs run.
// File or DB is required; of all other fields the zero value means the default.
type Config struct {
	// File is the path of a SQLite database, which is created with mode 0600 if it does
	// not exist. Processes of one machine can share it. It must be on a local disk.
	File string
	// Driver is the name under which the application has registered a SQLite driver for
	// database/sql; see package documentation. Empty means DefaultDriver.
	Driver string
	// DB is a database in place of File, PostgreSQL (12 or newer) or SQLite. The queue
	// needs at least two connections, never closes DB and does not change its settings.
	// A SQLite database must be a file in WAL mode.
	DB *sql.DB
	// Existing makes Open fail if the database has no queue, or one of an older release,
	// in place of creating or migrating it. It is for tools that look after a queue.
	Existing bool
	// Wait blocks until a PostgreSQL connection gets a notification. The queue calls it
	// with the driver's connection after LISTEN, so that jobs of other replicas start
	// at once. Optional: without it they start within Poll. For pgx:
	//
	//	func(ctx context.Context, conn any) error {
	//		_, err := conn.(*stdlib.Conn).Conn().WaitForNotification(ctx)
	//		return err
	//	}
	Wait func(ctx context.Context, conn any) error
	// Codec seals prompts and answers at rest. Nil means plain JSON.
	Codec Codec

	// Sessions is where ADK keeps its sessions. An answer is appended to the session of
	// the deferred call as an event of the same agent. Optional.
	Sessions session.Service
	// Deliver gets each answer in the transaction that ends the job: what it writes
	// through tx is committed exactly once, together with the end. Effects outside of
	// tx can happen more than once. On an error the delivery is repeated later. It must
	// not wait for anything but tx: a SQLite file is locked meanwhile. If ctx ends before
	// the commit, nothing is committed. It must be safe for concurrent use. A panic in it
	// is an error. Optional.
	Deliver func(ctx context.Context, tx Tx, d Delivery) error
	// OnEnd is called after a job has ended in this process, for metrics or to tell a
	// user that no answer will follow. It is called at most once per job, and not if the
	// process dies at that moment. A panic in it is recovered and logged. Optional.
	OnEnd func(ctx context.Context, job Job)

	// Workers is how many jobs run at a time in this process.
	Workers int
	// Lease is how long a job stays with a worker that gives no sign of life. At least
	// 100 ms. Running jobs are renewed at a third of it.
	Lease time.Duration
	// Poll is how often the queue looks for due jobs unless it is woken. At least 10 ms.
	// While Wait listens, the queue looks a tenth as often.
	Poll time.Duration
	// Rate is how many jobs per second each tenant may start, over all workers, in
	// bursts of one. 0 means no limit. Rates overrides it for single tenants.
	Rate  float64
	Rates map[string]float64
	// Expiry and MaxAttempts are the defaults of Request.
	Expiry      time.Duration
	MaxAttempts int
	// Backoff is the delay after a failed attempt. It doubles up to MaxBackoff, with up
	// to half of it taken off at random. A longer hint of the provider wins. Wake ends
	// all delays.
	Backoff, MaxBackoff time.Duration
	// Timeout bounds one attempt.
	Timeout time.Duration
	// Retention is how long ended jobs are kept. Prompt and answer of a job that is done
	// are erased at once.
	Retention time.Duration
	// Drain is how long Run waits for running jobs when it is told to stop.
	Drain time.Duration
	// Logger gets failures of the queue. Prompts and answers are not logged. Nil means
	// slog.Default().
	Logger *slog.Logger
}

// Codec seals what is stored. Open returns what was given to Seal, or an error. Both
// must be safe for concurrent use.
type Codec interface {
	Seal(plain []byte) ([]byte, error)
	Open(sealed []byte) ([]byte, error)
}

// prepared returns c with its defaults. The error names every wrong field.
func (c Config) prepared() (Config, error) {
	var problems []error
	wrong := func(field, format string, args ...any) {
		problems = append(problems, fmt.Errorf("jobs: Config."+field+" "+format, args...))
	}
	if (c.File == "") == (c.DB == nil) {
		problems = append(problems, errors.New("jobs: Config needs either File or DB"))
	}
	if strings.ContainsAny(c.File, "?#%") || strings.HasPrefix(c.File, ":") || strings.HasPrefix(c.File, "file:") {
		wrong("File", "is %q; must be a path without ?, # and %%", c.File)
	}
	c.Driver = cmp.Or(c.Driver, DefaultDriver)
	c.Backoff = cmp.Or(c.Backoff, DefaultBackoff) // MaxBackoff depends on it
	for _, f := range []struct {
		name     string
		value    *time.Duration
		standard time.Duration
		least    time.Duration
	}{
		{"Lease", &c.Lease, DefaultLease, 100 * time.Millisecond}, {"Poll", &c.Poll, DefaultPoll, 10 * time.Millisecond},
		{"Expiry", &c.Expiry, DefaultExpiry, time.Millisecond}, {"Backoff", &c.Backoff, DefaultBackoff, time.Millisecond},
		{"MaxBackoff", &c.MaxBackoff, max(DefaultMaxBackoff, c.Backoff), c.Backoff},
		{"Timeout", &c.Timeout, DefaultTimeout, time.Millisecond},
		{"Retention", &c.Retention, DefaultRetention, time.Millisecond}, {"Drain", &c.Drain, DefaultDrain, time.Millisecond},
	} {
		*f.value = cmp.Or(*f.value, f.standard)
		if *f.value < f.least {
			wrong(f.name, "is %v; must be at least %v, or 0 for %v", *f.value, f.least, f.standard)
		}
	}
	c.Workers = cmp.Or(c.Workers, DefaultWorkers)
	c.MaxAttempts = cmp.Or(c.MaxAttempts, DefaultMaxAttempts)
	if c.Workers < 0 {
		wrong("Workers", "is %d; must be at least 1, or 0 for %d", c.Workers, DefaultWorkers)
	}
	if c.MaxAttempts < 0 {
		wrong("MaxAttempts", "is %d; must be at least 1, or 0 for %d", c.MaxAttempts, DefaultMaxAttempts)
	}
	if !(c.Rate >= 0) {
		wrong("Rate", "is %v; must be at least 0", c.Rate)
	}
	for tenant, rate := range c.Rates {
		if !(rate >= 0) {
			wrong(fmt.Sprintf("Rates[%q]", tenant), "is %v; must be at least 0", rate)
		}
	}
	c.Rates = maps.Clone(c.Rates)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c, errors.Join(problems...)
}

// nextStart is when a tenant may start another job after one at now, in microseconds.
func (c *Config) nextStart(tenant string, now int64) int64 {
	rate, ok := c.Rates[tenant]
	if !ok {
		rate = c.Rate
	}
	if rate == 0 {
		return 0 // with the time now, a clock that is set back would stop the tenant
	}
	return now + int64(min(1e6/rate, float64(24*time.Hour/time.Microsecond)))
}
