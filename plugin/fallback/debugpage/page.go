package debugpage

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/clip"
	"github.com/adk-fallback/adk-fallback/internal/printable"
	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Config says what a page shows and allows. The zero value works.
type Config struct {
	// ShowTenants shows the names of tenants. Default: the first twelve hexadecimal digits of
	// the SHA-256 of the name in lower case, as in the metrics of package observe, because the
	// name of a tenant can be personal data:
	//
	//	printf %s acme | sha256sum | cut -c 1-12
	//
	// Whoever guesses a name can confirm it.
	ShowTenants bool
	// AllowBreakerControl adds forms that open and close circuit breakers by hand. Default:
	// the page is read-only.
	AllowBreakerControl bool
}

// Page is a status page: an http.Handler, and hooks that tell it what happens. Its memory is
// bounded: see the package's comment. The zero value is a page with a zero Config. All methods
// are safe for concurrent use. Do not copy a Page after its first use.
type Page struct {
	config  Config
	began   sync.Once
	since   time.Time // set by began
	targets targets
	calls   calls
	streams atomic.Int32

	mu      sync.Mutex
	watched []model.LLM // guarded by mu

	frameMu sync.Mutex // held while a frame is made: no hook takes it
	latest  *frame     // that streams share; guarded by frameMu
}

// New returns a page that has seen no call.
func New(config Config) *Page {
	p := &Page{config: config}
	p.begin(time.Now())
	return p
}

// begin notes when the page began to count.
func (p *Page) begin(now time.Time) { p.began.Do(func() { p.since = now }) }

// Watch adds models whose trees, breakers, limits, budgets and caches the page shows; see
// package inspect. A model that is watched already is not added again.
func (p *Page) Watch(models ...model.LLM) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range models {
		if m != nil && !contains(p.watched, m) {
			p.watched = append(p.watched, m)
		}
	}
}

// contains reports whether models has m. A model of a type that cannot be compared is never
// found.
func contains(models []model.LLM, m model.LLM) (found bool) {
	defer func() { _ = recover() }()
	for _, other := range models {
		if other == m {
			return true
		}
	}
	return false
}

// Hooks returns the hooks that record calls for the page. Give them to the outermost part that has
// hooks, or to each of several that are not inside each other: a call that passes two parts
// with the same hooks is counted twice.
func (p *Page) Hooks() call.Hooks {
	return call.Hooks{OnAttempt: p.onAttempt, OnEnd: p.onEnd}
}

func (p *Page) onAttempt(_ context.Context, a call.Attempt) {
	now := time.Now()
	p.begin(now)
	p.targets.of(a.Model, now).add(&a, now)
}

func (p *Page) onEnd(ctx context.Context, r call.Result) {
	now := time.Now()
	p.begin(now)
	info := call.From(ctx)
	rec := &record{Result: r, ended: now, invocation: copied(info.Invocation, "")}
	rec.tenant = redact.DigestOf(info.Tenant)
	if p.config.ShowTenants {
		rec.tenantName = line(info.Tenant, call.MaxNameBytes)
	}
	rec.own(&p.targets)
	p.calls.add(rec, now)
}

// line returns a text that others have written as the page shows it.
func line(s string, max int) string { return strings.TrimSpace(printable.Line(s, max)) }

// prose returns a text that may have a secret or an address in it as the page shows it.
func prose(s string) string {
	const max = call.MaxMessageBytes
	return line(clip.Words(redact.Text(s, max+4), max), max)
}
