package debugpage

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"
)

const (
	maxStreams = 16               // at a time
	interval   = time.Second      // between two looks for changes
	heartbeat  = 15 * time.Second // after the latest write
	patience   = 10 * time.Second // for a client that does not read
)

// sections are the parts of the page that are sent when they have changed.
var sections = [...]string{"overview", "targets", "policy", "capacity", "calls"}

// serveEvents sends an event "section" for each section that has changed, at most once a
// second, until the client goes. Its id is the time in milliseconds since 1970.
func (p *Page) serveEvents(w http.ResponseWriter, r *http.Request, f filter) {
	if p.streams.Add(1) > maxStreams {
		p.streams.Add(-1)
		w.Header().Set("Retry-After", "10")
		refuse(w, http.StatusServiceUnavailable, fmt.Sprintf("debugpage: %d pages are live; close one, or reload by hand", maxStreams))
		return
	}
	defer p.streams.Add(-1)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // of nginx
	if r.Method == http.MethodHead {
		return
	}
	s := stream{page: p, filter: f, w: w, control: http.NewResponseController(w)}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for now := time.Now(); s.send(now) == nil; {
		select {
		case <-r.Context().Done():
			return
		case now = <-ticker.C:
		}
	}
}

// stream is a client of events.
type stream struct {
	page    *Page
	filter  filter
	w       http.ResponseWriter
	control *http.ResponseController

	sent  [len(sections)][sha256.Size]byte // what the client has of each section
	wrote time.Time
}

// send writes what has changed, or a comment that keeps the connection.
func (s *stream) send(now time.Time) error {
	state := s.page.fresh(now, s.filter)
	v := s.page.view(state, s.filter)
	v.Live = true
	var out, section bytes.Buffer
	for i, name := range sections {
		section.Reset()
		if err := templates().ExecuteTemplate(&section, name, v); err != nil {
			return err
		}
		if sum := sha256.Sum256(section.Bytes()); sum != s.sent[i] {
			s.sent[i] = sum
			fmt.Fprintf(&out, "event: section\nid: %d\n", state.Time.UnixMilli())
			for line := range bytes.Lines(section.Bytes()) {
				fmt.Fprintf(&out, "data: %s\n", bytes.TrimRight(line, "\r\n"))
			}
			out.WriteByte('\n')
		}
	}
	if out.Len() == 0 {
		if now.Sub(s.wrote) < heartbeat {
			return nil
		}
		out.WriteString(": nothing has changed\n\n")
	}
	s.wrote = now
	// A server's WriteTimeout would end the stream. Some writers have no deadline to set.
	_ = s.control.SetWriteDeadline(time.Now().Add(patience))
	if _, err := s.w.Write(out.Bytes()); err != nil {
		return err
	}
	return s.control.Flush()
}

// fresh returns a state that is younger than interval. Streams without a filter share it.
func (p *Page) fresh(now time.Time, f filter) *state {
	if f != (filter{}) {
		return p.collect(f)
	}
	p.mu.Lock()
	shared := p.shared
	p.mu.Unlock()
	if shared != nil && now.Sub(shared.Time) < interval/2 {
		return shared
	}
	shared = p.collect(f)
	p.mu.Lock()
	p.shared = shared
	p.mu.Unlock()
	return shared
}
