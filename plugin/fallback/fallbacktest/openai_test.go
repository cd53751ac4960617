package fallbacktest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

const chatPath, responsesPath = "/v1/chat/completions", "/v1/responses"

// ruling is one request to a strict server and what comes of it: "" if it is
// accepted, else status, parameter and code.
type ruling struct {
	name, model, fields string // the fields are added to model and conversation
	want                string
}

// judge sends each request to a strict server, with conversation in place of the
// fields that it lacks.
func judge(t *testing.T, path string, conversation string, rulings []ruling) {
	t.Helper()
	for _, r := range rulings {
		t.Run(r.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *ft.Server) {
				srv.Strict()
				srv.Script(r.model, ft.Text("fine"))
				body := map[string]any{"model": r.model}
				for _, part := range []string{conversation, r.fields} {
					if err := json.Unmarshal([]byte("{"+part+"}"), &body); err != nil {
						t.Fatalf("%v in %s", err, part)
					}
				}
				sent, err := json.Marshal(body)
				if err != nil {
					t.Fatal(err)
				}
				code, answer := send(t, srv, path, string(sent), nil)
				got := ""
				if code != http.StatusOK {
					got = strings.TrimSpace(fmt.Sprintf("%d %s", code, wordsOf(t, answer)))
				}
				if got != r.want {
					t.Errorf("refusal = %q, want %q\nbody: %s\nanswer: %s", got, r.want, sent, answer)
				}
				if refused := len(srv.Violations()) == 1; refused != (r.want != "") {
					t.Errorf("violations = %q", srv.Violations())
				}
			})
		})
	}
}

// wordsOf reads an error in OpenAI's shape as parameter and code.
func wordsOf(t *testing.T, body string) string {
	t.Helper()
	var e struct {
		Error map[string]*string
	}
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if kind := e.Error["type"]; kind == nil || *kind != "invalid_request_error" || len(e.Error) != 4 {
		t.Errorf("error = %s, want four keys and type invalid_request_error", body)
	}
	words := []string{}
	for _, key := range []string{"param", "code"} {
		if v := e.Error[key]; v == nil {
			words = append(words, "null")
		} else {
			words = append(words, *v)
		}
	}
	return strings.Join(words, " ")
}

func nTimes(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }
