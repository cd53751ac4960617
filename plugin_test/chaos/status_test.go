package chaos_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/adk-fallback/adk-fallback/internal/race"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B150: every status from 400 to 599, with whatever body, ends a call with the error or
// with the next model's answer, as its verdict says.
func TestEveryStatus(t *testing.T) {
	step := race.Every(1)
	if *everyByte {
		step = 1
	}
	for _, m := range played() {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stream %v", m.Name, stream), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					answersAny(t, m, stream, func(ask func(name string, step fallbacktest.Step)) {
						for code := 400; code < 600; code += step {
							for i, body := range bodies {
								if *everyByte || code%len(bodies) == i {
									ask(fmt.Sprintf("status %d with body %d", code, i), fallbacktest.Status(code, body(code)))
								}
							}
						}
						for i, e := range collected() {
							if i%step == 0 {
								ask(e.Source, e.step())
							}
						}
					})
				})
			})
		}
	}
}

// answersAny lets play send steps as the first model's response.
func answersAny(t *testing.T, m maker, stream bool, play func(ask func(string, fallbacktest.Step))) {
	srv := fallbacktest.NewPipeServer()
	defer srv.Close()
	other := makers[0]
	if m == other {
		other = makers[1]
	}
	srv.Script(other.Name, fallbacktest.Text("from the other"))
	alone := m.client(t, srv.Client().Transport)
	tree := router.MustFallback(router.Config{}, alone, other.client(t, srv.Client().Transport))
	play(func(name string, step fallbacktest.Step) {
		srv.Script(m.Name, step)
		got, bare := consume(t.Context(), tree, stream), consume(t.Context(), alone, stream)
		if bare.err == nil {
			t.Errorf("%s: an answer: %+v", name, bare)
			return
		}
		v := failure.Classify(bare.err)
		switch failed := v.Action == failure.Fail; {
		case failed && got.err == nil:
			t.Errorf("%s: the verdict is to fail, and there is an answer of %s", name, got.from)
		case !failed && (got.err != nil || got.text != "from the other" || stream && got.screen != got.text):
			t.Errorf("%s: the verdict is %s, got %+v; want the other's answer", name, v.Action, got)
		}
	})
}

// collectedError is an error that somebody has reported.
type collectedError struct {
	Source  string            `json:"source"`
	Status  int               `json:"http_status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

func (e *collectedError) step() fallbacktest.Step {
	var text string
	if json.Unmarshal(e.Body, &text) != nil {
		text = string(e.Body)
	}
	s := fallbacktest.Status(e.Status, text)
	for key, value := range e.Headers {
		s = s.Header(key, value)
	}
	return s
}

// collected returns the errors of a folder of collected ones, named in ERROR_CORPUS or at
// shared/corpus beside the checkout; none if there is no such folder.
var collected = sync.OnceValue(func() (all []collectedError) {
	folder := os.Getenv("ERROR_CORPUS")
	if folder == "" {
		folder = "../../../shared/corpus"
	}
	names, _ := filepath.Glob(filepath.Join(folder, "*.json"))
	for _, name := range names {
		data, err := os.ReadFile(name)
		var e collectedError
		if err != nil || json.Unmarshal(data, &e) != nil || e.Status < 400 || e.Status > 599 {
			continue
		}
		all = append(all, e)
	}
	return all
})
