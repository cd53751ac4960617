package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// jsonLines returns the lines of JSON Lines: two or more that are each a JSON object, array or string. Of other input it
// returns nil: an object over several lines, the events of a stream, prose.
func jsonLines(input []byte) (lines [][]byte) {
	for line := range bytes.Lines(input) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if bytes.IndexByte([]byte(`{["`), line[0]) < 0 || !json.Valid(line) {
			return nil
		}
		lines = append(lines, line)
	}
	if len(lines) < 2 {
		return nil
	}
	return lines
}

// explainLines prints one verdict per line.
func explainLines(out io.Writer, lines [][]byte, header http.Header, f explainFlags) error {
	if f.policy != "" {
		return errors.New("explain: --policy takes one error, but standard input is JSON Lines; pass one line of it")
	}
	now := time.Now()
	for _, line := range lines {
		v := failure.Classifier{}.ClassifyHTTP(f.status, header, line)
		var err error
		if f.json {
			err = printJSON(out, v, nil, now)
		} else {
			_, err = fmt.Fprintln(out, summary(v, now))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// summary is a verdict on one line.
func summary(v failure.Verdict, now time.Time) string {
	parts := []string{string(v.Action) + " " + string(v.Kind)}
	if v.RetryAfter > 0 {
		parts = append(parts, "wait "+positive(v.RetryAfter))
	}
	if v.Cooldown > 0 {
		parts = append(parts, string(v.Scope)+" cools down for "+cooldown(v.Cooldown, now))
	}
	return strings.Join(append(parts, v.Reason), "; ")
}
