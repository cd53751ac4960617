// Package jobs is a durable queue of model calls that are answered later. It keeps them
// in SQLite or PostgreSQL, calls the model when it can, and delivers the answer into the
// caller's ADK session, into the application's own tables, or both.
//
// degrade.Deferred fills the queue as a router's last resort; Run empties it:
//
//	queue, err := jobs.Open(ctx, jobs.Config{File: "jobs.db", Sessions: sessions})
//	tree := router.MustFallback(router.Config{}, flash, pro, degrade.Deferred(queue), degrade.Template("Sorry."))
//	go queue.Run(ctx, tree)
//
// The package imports no database driver. Import one, for example
// github.com/glebarez/go-sqlite for Config.File (pure Go; ADK's database session service
// can use it too), or github.com/jackc/pgx/v5/stdlib for Config.DB. Where several processes
// share a file, the driver's SQLite should be 3.51.3 or newer, which fixes a rare fault of
// the WAL mode (https://sqlite.org/wal.html#walresetbug).
//
// # What is promised
//
// A job that Enqueue has accepted is answered and delivered once, or ends as failed:
// when it expires, or after MaxAttempts calls. A worker holds a job by a lease. If the
// worker dies or freezes, the lease runs out and another worker goes on where it stopped:
// an answer that is stored is delivered without a second call. Whatever the first worker
// still does then has no effect, because each lease has a number, the fence, and every
// write names it.
//
//	pending → running → done
//	   ↑         │ ↘    failed
//	   └─────────┘      cancelled
//
// How often a delivery takes effect depends on where it goes:
//
//   - Config.Deliver: exactly once, for what it writes in its transaction.
//   - Config.Sessions: exactly once. The event has the job's id, and a repeat recognizes
//     it. A service must refuse a second event of the same id, or one that is appended to
//     an outdated view of the session, as ADK's database service does; with one that does
//     neither, a worker that freezes for a whole lease between its look and its append
//     leaves the answer twice.
//   - Config.OnEnd: at most once.
//
// The answer waits until no turn of the session is under way. A client that has the
// session open sees it when it next reads the session.
//
// Between tenants (call.Info.Tenant) the queue is fair: the tenant whose latest start is
// longest ago is next. The call runs in the name of the caller of the deferred call, so
// tenant budgets, guards and labels apply to it as to the first.
//
// # Prompts at rest
//
// A job holds the request as JSON until it is done; a failed or cancelled one until its
// retention ends. Tools that the provider runs, such as MCP servers, are stored with their
// credentials. Config.File has mode 0600. Config.Codec can encrypt jobs; all workers need
// the same codec. A worker that cannot read a job makes no attempt and leaves it to others,
// until the job expires. No part of a prompt or an answer is in a log or in Job.
//
// The command adk-fallback jobs lists, retries and cancels jobs. It needs no codec.
package jobs
