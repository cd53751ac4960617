package fallbacktest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// send sends a body to the server and returns what comes back.
func send(t *testing.T, srv *ft.Server, path, body string, header http.Header) (code int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// A request that is refused takes no step, is recorded with the reason, and is
// refused in strict mode alone.
func TestRefusedRequestTakesNoStep(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		srv.Script(flash, ft.Text("one"), ft.Text("two"), ft.Text("three"))
		path := "/v1beta/models/" + flash + ":generateContent"
		const good, bad = `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`, `{"contents":[{"role":"assistant","parts":[{"text":"hi"}]}]}`

		var got []string
		ask := func(body string) {
			code, answer := send(t, srv, path, body, nil)
			for _, word := range []string{"one", "two", "three", "INVALID_ARGUMENT"} {
				if strings.Contains(answer, word) {
					got = append(got, http.StatusText(code)+" "+word)
				}
			}
		}
		ask(bad)
		srv.Strict()
		ask(bad)
		ask(good)
		ask(`{`)
		ask(good)
		if diff := cmp.Diff([]string{"OK one", "Bad Request INVALID_ARGUMENT", "OK two", "Bad Request INVALID_ARGUMENT", "OK three"}, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
		refused := []bool{}
		for _, r := range srv.Requests() {
			refused = append(refused, r.Violation != "")
		}
		if diff := cmp.Diff([]bool{false, true, false, true, false}, refused); diff != "" {
			t.Errorf("requests with a violation (-want +got):\n%s", diff)
		}
		if v := srv.Violations(); len(v) != 2 || !strings.HasPrefix(v[0], flash+": ") || !strings.Contains(v[0], "role") {
			t.Errorf("violations = %q", v)
		}
	})
}

func TestUnknownPathIsAViolationInStrictMode(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		for _, strict := range []bool{false, true} {
			if strict {
				srv.Strict()
			}
			code, _ := send(t, srv, "/v9/nothing", `{}`, nil)
			if code != http.StatusNotFound || (len(srv.Violations()) == 1) != strict {
				t.Errorf("strict %v: status = %d, violations = %q", strict, code, srv.Violations())
			}
		}
	})
}
