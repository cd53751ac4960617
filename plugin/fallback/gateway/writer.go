package gateway

import (
	"errors"
	"net/http"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
)

// writer writes an answer to the client. If the client reads too slowly, or not at all, the call
// ends.
type writer struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	gone    func() // ends the call
	status  int    // sent; 0 for none yet
	failed  bool   // a write has failed
}

// Unwrap lets http.ResponseController find the connection.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *writer) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(data []byte) (n int, err error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	err = w.within(func() error { n, err = w.ResponseWriter.Write(data); return err })
	return n, err
}

// FlushError is what http.ResponseController's Flush calls. A writer of the application that cannot
// flush sends the answer at the end.
func (w *writer) FlushError() error {
	return w.within(func() error {
		if err := w.control.Flush(); !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		return nil
	})
}

// within runs a write with a deadline, and removes the deadline afterwards: otherwise HTTP/2
// would end a stream that waits for its model.
func (w *writer) within(write func() error) error {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.timeout)) // not supported by the recorders of tests
	err := write()
	if err != nil {
		w.failed = true
		w.gone()
		return err
	}
	_ = w.control.SetWriteDeadline(time.Time{})
	return nil
}

// end bounds what net/http writes after the handler.
func (w *writer) end() { _ = w.control.SetWriteDeadline(time.Now().Add(w.timeout)) }

// statusOf returns the status for the log: 499 if the client has disconnected, otherwise the
// status of the answer.
func (w *writer) statusOf(p *problem.Problem) int {
	if w.failed || p != nil && p.Status == problem.StatusCanceled {
		return problem.StatusCanceled
	}
	return w.status
}
