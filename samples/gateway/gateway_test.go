// Package gateway_test checks the files of this sample, which has no program.
package gateway_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/catalog"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var (
	exampleKey = regexp.MustCompile(`sk-example-[a-z0-9-]+`)
	request    = regexp.MustCompile(`(?s)curl http://127\.0\.0\.1:8900(\S+).*?-H '([^:]+): ([^']+)'.*?-d '([^']+)'`)
)

// The README's requests are answered, with its key, by the fallback of the policy.
func TestRequestsOfTheREADMEAreAnswered(t *testing.T) {
	srv := fallbacktest.NewServer()
	defer srv.Close()
	srv.Script("gemini-2.5-flash", fallbacktest.Overloaded())
	srv.Script("gpt-4.1", fallbacktest.Text("Hello from GPT."))
	text := read(t, "fallback.yaml")
	// The same policy, with models of the test's server.
	text = strings.Replace(text, "models:\n", "models:\n  gemini-2.5-flash: {provider: gemini, base_url: "+srv.URL+"}\n  gpt-4.1: {provider: openai_chat, base_url: "+srv.URL+"/v1}\n", 1)
	p, err := spec.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	live, err := policy.NewLive(t.Context(), p, policy.WithEnv(func(string) (string, bool) { return "key", true }))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := gateway.ParseKeys([]byte(read(t, "keys.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Config{Routes: map[string]*policy.Live{"fallback": live}, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	requests := request.FindAllStringSubmatch(read(t, "README.md"), -1)
	if len(requests) != 2 {
		t.Fatalf("%d requests in README.md, want 2", len(requests))
	}
	for _, one := range requests {
		r := httptest.NewRequest("POST", one[1], strings.NewReader(one[4]))
		r.Header.Set(one[2], one[3])
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != 200 || !strings.Contains(w.Body.String(), "Hello from GPT.") || w.Header().Get("X-Fallback-Model") != "gpt-4.1" {
			t.Errorf("%s: status %d, body %s", one[1], w.Code, w.Body)
		}
	}
}

// One example key is in all files, and its hash in keys.yaml.
func TestTheExampleKeyFits(t *testing.T) {
	keys := read(t, "keys.yaml")
	for _, key := range exampleKey.FindAllString(keys+read(t, "README.md"), -1) {
		sum := sha256.Sum256([]byte(key))
		if !strings.Contains(keys, hex.EncodeToString(sum[:])) {
			t.Errorf("keys.yaml lacks the hash of %s", key)
		}
	}
}

// adk-fallback check reports nothing about the policy.
func TestThePolicyHasNoMistakes(t *testing.T) {
	p, err := catalog.Known().Parse([]byte(read(t, "fallback.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range spec.Check(p, catalog.Known()) {
		t.Error(problem)
	}
}

// The commands of the container and of the unit have only flags that serve has.
func TestCommandsHaveKnownFlags(t *testing.T) {
	source := read(t, "../../cmd/adk-fallback/serve.go")
	flags := regexp.MustCompile(`--([a-z][a-z-]+)`)
	for _, file := range []string{"Containerfile", "adk-fallback.service"} {
		found := 0
		for line := range strings.Lines(read(t, file)) {
			if !strings.HasPrefix(line, "CMD") && !strings.HasPrefix(line, "ExecStart") {
				continue
			}
			for _, flag := range flags.FindAllStringSubmatch(line, -1) {
				found++
				if !strings.Contains(source, `, "`+flag[1]+`", `) {
					t.Errorf("%s: serve has no flag --%s", file, flag[1])
				}
			}
		}
		if found < 2 {
			t.Errorf("%s: %d flags, want more", file, found)
		}
	}
}
