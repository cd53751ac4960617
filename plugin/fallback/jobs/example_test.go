package jobs_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	_ "github.com/glebarez/sqlite" // registers the driver "sqlite"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

// The application keeps answers in a table of its own, in the queue's database.
func Example() {
	dir, err := os.MkdirTemp("", "jobs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(context.Background())

	delivered := make(chan string)
	queue, err := jobs.Open(ctx, jobs.Config{
		File: filepath.Join(dir, "jobs.db"),
		Deliver: func(ctx context.Context, tx jobs.Tx, d jobs.Delivery) error {
			_, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS answers (job TEXT PRIMARY KEY, tenant TEXT, text TEXT)")
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, "INSERT INTO answers VALUES (?, ?, ?)", d.Job.ID, d.Caller.Tenant, d.Response.Content.Parts[0].Text)
			return err
		},
		OnEnd: func(_ context.Context, job jobs.Job) { delivered <- string(job.State) },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer queue.Close()

	pro := llmtest.NewModel("pro", llmtest.Text("Paris.")) // the tree of the application's agents
	ended := make(chan error)
	go func() { ended <- queue.Run(ctx, pro) }()

	caller := call.With(ctx, call.Info{Tenant: "acme"})
	id, err := queue.Enqueue(caller, jobs.Request{LLM: &model.LLMRequest{Contents: genai.Text("Capital of France?")}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-delivered)
	job, err := queue.Get(ctx, id)
	fmt.Println(job.Tenant, job.Attempts, err)

	cancel() // drains
	fmt.Println(<-ended)
	// Output:
	// done
	// acme 1 <nil>
	// <nil>
}
