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
	patience   = 2 * heartbeat    // for a client that does not read; longer than between two writes
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
	f, err := s.page.fresh(now, s.filter)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	for i, event := range f.events {
		if f.sums[i] != s.sent[i] {
			s.sent[i] = f.sums[i]
			fmt.Fprintf(&out, "id: %d\n", f.time.UnixMilli())
			out.Write(event)
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

// frame is the live page at one moment. It does not change.
type frame struct {
	time   time.Time
	events [len(sections)][]byte // without their ids
	sums   [len(sections)][sha256.Size]byte
}

// fresh returns a frame that is younger than interval. Streams without a filter share it, so
// that many cost as much as one.
func (p *Page) fresh(now time.Time, f filter) (*frame, error) {
	if f != (filter{}) {
		return p.frame(f)
	}
	p.frameMu.Lock()
	defer p.frameMu.Unlock()
	if p.latest == nil || now.Sub(p.latest.time) >= interval/2 {
		latest, err := p.frame(f)
		if err != nil {
			return nil, err
		}
		p.latest = latest
	}
	return p.latest, nil
}

func (p *Page) frame(f filter) (*frame, error) {
	v := p.view(p.collect(f), f)
	v.Live = true
	made := &frame{time: v.Time}
	for i, name := range sections {
		var html, event bytes.Buffer
		if err := templates().ExecuteTemplate(&html, name, v); err != nil {
			return nil, err
		}
		event.WriteString("event: section\n")
		for line := range bytes.Lines(html.Bytes()) {
			fmt.Fprintf(&event, "data: %s\n", bytes.TrimRight(line, "\r\n"))
		}
		event.WriteByte('\n')
		made.events[i], made.sums[i] = event.Bytes(), sha256.Sum256(event.Bytes())
	}
	return made, nil
}
