package jobs_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

// xor is a codec with a key of one byte, which panics with what it seals or opens if the key is 0.
type xor byte

func (x xor) Seal(b []byte) ([]byte, error) {
	if x == 0 {
		panic(string(b))
	}
	b = bytes.Clone(b)
	for i := range b {
		b[i] ^= byte(x)
	}
	return append([]byte{byte(x)}, b...), nil
}

func (x xor) Open(b []byte) ([]byte, error) {
	if x == 0 {
		panic(string(b))
	}
	if len(b) == 0 || b[0] != byte(x) {
		return nil, errors.New("another key")
	}
	b, err := x.Seal(b[1:])
	return b[1:], err
}

// Prompts and answers are sealed at rest, and erased when the job is done.
func TestCodec(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		b := box{fail: errors.New("not yet")}
		plain := p.open(t, jobs.Config{Deliver: b.deliver})
		sealed := p.open(t, jobs.Config{Codec: xor(0x5a), Deliver: b.deliver})
		id := enqueue(t, sealed, "acme", "swordfish", func(r *jobs.Request) { r.MaxAttempts = 1 })
		m := llmtest.NewModel("pro", llmtest.Text("trout"))
		strangers := map[string]*jobs.Queue{
			"no codec": plain, "another key": p.open(t, jobs.Config{Codec: xor(0x11)}), "panics": p.open(t, jobs.Config{Codec: xor(0)}),
		}
		unreadable := func(name string, answered bool, attempts int) {
			t.Helper()
			job := get(t, plain, id)
			if job.State != jobs.Pending || job.Answered != answered || job.Attempts != attempts || job.Kind == "" || !strings.Contains(job.Error, "Codec") {
				t.Errorf("%s: %+v; want the job pending after %d attempts, and the reason", name, job, attempts)
			}
			p.pass(t, jobs.DefaultMaxBackoff)
		}
		for name, q := range strangers {
			step(t, q, m)
			unreadable(name, false, 0) // none: no model was called
		}
		step(t, sealed, m) // answered, not delivered
		for name, q := range strangers {
			p.pass(t, jobs.DefaultMaxBackoff)
			step(t, q, m)
			unreadable(name, true, 1)
		}
		if text := p.dump(t); strings.Contains(text, "swordfish") || strings.Contains(text, "trout") {
			t.Error("prompt or answer is at rest in the clear")
		}
		b.fail = nil
		p.pass(t, jobs.DefaultMaxBackoff)
		enqueue(t, plain, "acme", "of an earlier release")
		step(t, sealed, m)
		step(t, sealed, m)
		if got := b.texts(); len(got) != 2 || got[0] != "trout" {
			t.Errorf("delivered %q", got)
		}
		if text := p.dump(t); text != "" {
			t.Errorf("%q is at rest after the end", text)
		}
	})
}

// dump returns all payloads and answers.
func (p *place) dump(t *testing.T) (text string) {
	t.Helper()
	rows, err := p.db.Query("SELECT payload, answer FROM fallback_jobs")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var payload, answer []byte
		if err := rows.Scan(&payload, &answer); err != nil {
			t.Fatal(err)
		}
		text += string(payload) + string(answer)
	}
	return text
}

// What no worker can read ends when it expires, with the reason, and without a call.
func TestUnreadableJobs(t *testing.T) {
	p := inFile(t)
	q := p.open(t, jobs.Config{Codec: xor(0x5a)})
	m := llmtest.NewModel("pro", llmtest.Text("Paris."))
	for stored, reason := range map[string]string{
		"X''": "empty", "NULL": "empty", "'p'": "JSON", "'p{swordfish'": "JSON", "'p[]'": "JSON", "'s'": "another key", "'zzz'": "newer release",
	} {
		id := enqueue(t, q, "acme", "swordfish")
		p.exec(t, "UPDATE fallback_jobs SET payload = CAST("+stored+" AS BLOB) WHERE id = '"+id+"'")
		step(t, q, m)
		job := get(t, q, id)
		if job.State != jobs.Pending || job.Attempts != 0 || job.Kind != "unreadable" || !strings.Contains(job.Error, reason) || strings.Contains(job.Error, "swordfish") {
			t.Errorf("%s: %+v; want it pending, and %q as the reason", stored, job, reason)
		}
		p.pass(t, jobs.DefaultExpiry)
		step(t, q, m)
		if job := get(t, q, id); job.State != jobs.Failed || job.Kind != "expired" {
			t.Errorf("%s: %+v; want it expired", stored, job)
		}
	}
	if n := len(m.Requests()); n != 0 {
		t.Errorf("%d calls, want none", n)
	}
}

// A codec that panics refuses the job; what it panics with is not repeated. B40
func TestCodecThatPanicsWhileSealing(t *testing.T) {
	q := inFile(t).open(t, jobs.Config{Codec: xor(0)})
	_, err := q.Enqueue(t.Context(), jobs.Request{LLM: say("swordfish")})
	if err == nil || !strings.HasPrefix(err.Error(), "jobs: Config.Codec cannot seal: ") || !strings.Contains(err.Error(), "panicked") || strings.Contains(err.Error(), "swordfish") {
		t.Errorf("error %v", err)
	}
}
