package gateway_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
)

func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// keysOf returns the keys of a file in which KEY stands for the hash of the text behind it.
func keysOf(t *testing.T, file string) *gateway.Keys {
	t.Helper()
	keys, err := gateway.ParseKeys([]byte(withHashes(file)))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func withHashes(file string) string {
	words := strings.Fields(file)
	for _, word := range words {
		if name, ok := strings.CutPrefix(strings.TrimRight(word, ",}]"), "KEY"); ok {
			file = strings.ReplaceAll(file, "KEY"+name, hashOf(name))
		}
	}
	return file
}

// who is a model that returns the tenant and the priority of the call.
func who(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
	info := call.From(ctx)
	llmtest.Text(info.Tenant+" "+info.Priority)(ctx, req, streamed, yield)
}

// B145: mistakes in a keys file are reported at once, with line and column.
func TestMistakesInAKeysFileHavePlaces(t *testing.T) {
	hash := hashOf("a")
	for name, test := range map[string]struct {
		file string
		want []string
	}{
		"empty":          {"", []string{"1:1: file is empty"}},
		"no keys":        {"priorities: [a]\n", []string{"1:1: missing key keys"}},
		"no list":        {"keys: {}\n", []string{"1:7: keys: must be a list"}},
		"a key itself":   {"keys:\n  - tenant: acme\n    sha256: sk-abcdefghijklmnopqrstuvwxyz123456\n", []string{"3:13: keys[0].sha256: must be the SHA-256 of a key"}},
		"a client's key": {"keys:\n  - {tenant: acme, api_key: secret}\n", []string{"2:5: keys[0]: missing key sha256", "2:20: keys[0]: unknown key \"api_key\"; the file contains only hashes of keys; write what adk-fallback keys new prints"}},
		"an unknown key": {"keys:\n  - {tenant: acme, sha256: " + hash + ", rpm: 3}\n", []string{"2:94: keys[0]: unknown key \"rpm\""}},
		"no tenant":      {"keys:\n  - {sha256: " + hash + "}\n", []string{"2:5: keys[0]: missing key tenant"}},
		"a hash twice": {"keys:\n  - {tenant: a, sha256: " + hash + "}\n  - {tenant: b, sha256: " + strings.ToUpper(hash) + "}\n",
			[]string{"3:25: keys[1].sha256: is that of keys[0] too"}},
		"unknown classes": {"priorities: [paid, batch]\nkeys:\n  - {tenant: a, priority: high, max_priority: low, sha256: " + hash + "}\n",
			[]string{`3:27: keys[0].priority: "high" is no class of calls; it must be paid or batch`, `3:47: keys[0].max_priority: "low" is no class`}},
		"a class above the highest": {"keys:\n  - {tenant: a, priority: high, max_priority: low, sha256: " + hash + "}\n",
			[]string{`2:27: keys[0].priority: "high" is more important than max_priority`}},
		"a class twice": {"priorities: [paid, Paid]\nkeys: [{tenant: a, sha256: " + hash + "}]\n", []string{`1:20: priorities[1]: "Paid" is listed twice`}},
		"bounds":        {"keys:\n  - {tenant: a, requests_per_minute: 0, concurrency: -1, sha256: " + hash + "}\n", []string{"2:38: keys[0].requests_per_minute: must be", "2:54: keys[0].concurrency: must be"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gateway.ParseKeys([]byte(test.file))
			wrong, ok := errors.AsType[*gateway.KeysError](err)
			if !ok || len(wrong.Problems) != len(test.want) {
				t.Fatalf("error %v; want a KeysError with %q", err, test.want)
			}
			for i, want := range test.want {
				if got := wrong.Problems[i].String(); !strings.HasPrefix(got, want) {
					t.Errorf("problem %q, want %q", got, want)
				}
			}
			if strings.Contains(err.Error(), "abcdefgh") {
				t.Errorf("the error has the key: %v", err)
			}
		})
	}
}

// B145: without a valid key there is no answer; with one, the call is its tenant's.
func TestAKeySaysWhoCalls(t *testing.T) {
	g := gatewayFor(t, gateway.Config{Keys: keysOf(t, `
keys:
  - {tenant: acme, sha256: KEYalpha}
  - {tenant: umbrella, sha256: KEYbeta, priority: normal, max_priority: high}
`)}, who)
	for name, test := range map[string]struct {
		path    string
		headers []string
		status  int
		want    string
	}{
		"none":                   {generate, nil, 401, "the request has no API key"},
		"wrong":                  {generate, []string{"Authorization", "Bearer gamma"}, 401, "the API key is not valid"},
		"the hash":               {generate, []string{"Authorization", "Bearer " + hashOf("alpha")}, 401, "the API key is not valid"},
		"the beginning of one":   {generate, []string{"Authorization", "Bearer alph"}, 401, "the API key is not valid"},
		"too long":               {generate, []string{"Authorization", "Bearer " + strings.Repeat("alpha", 200)}, 401, "the API key is not valid"},
		"another scheme":         {generate, []string{"Authorization", "Basic alpha"}, 401, "the request has no API key"},
		"bearer":                 {generate, []string{"Authorization", "Bearer alpha"}, 200, "acme low"},
		"bearer in another case": {generate, []string{"Authorization", "bearer  alpha "}, 200, "acme low"},
		"x-api-key":              {generate, []string{"x-api-key", "alpha"}, 200, "acme low"},
		"x-goog-api-key":         {generate, []string{"x-goog-api-key", "beta"}, 200, "umbrella normal"},
		"query":                  {generate + "?key=beta", nil, 200, "umbrella normal"},
		"a class within bounds":  {generate, []string{"x-api-key", "beta", "x-fallback-priority", "High"}, 200, "umbrella high"},
		"a class beyond bounds":  {generate, []string{"x-api-key", "alpha", "x-fallback-priority", "high"}, 200, "acme low"},
		"no class":               {generate, []string{"x-api-key", "alpha", "x-fallback-priority", "urgent"}, 400, "it must be one of high, normal, low"},
	} {
		t.Run(name, func(t *testing.T) {
			w := posted(g, test.path, helloGemini, test.headers...)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
				t.Errorf("status %d, body %s; want %d and %q", w.Code, w.Body, test.status, test.want)
			}
			if test.status != http.StatusOK {
				refusalOf(t, w)
			}
		})
	}
}

// writeKeys writes a keys file, in which KEYx stands for the hash of x.
func writeKeys(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(withHashes(text)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// B145: a reload changes the keys of later requests, and counts on. A broken file changes nothing.
func TestKeysFollowTheirFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "keys.yaml")
		write := func(text string) {
			t.Helper()
			writeKeys(t, file, text)
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		const limited = "keys: [{tenant: acme, sha256: KEYalpha , requests_per_minute: 1}]"
		write(limited)
		var log logged
		ctx, stop := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer stop()
		keys, err := gateway.WatchKeys(ctx, file, 0, log.logger())
		if err != nil {
			t.Fatal(err)
		}
		g := gatewayFor(t, gateway.Config{Keys: keys}, who)
		var got []int
		ask := func(key string) { got = append(got, posted(g, generate, helloGemini, "x-api-key", key).Code) }
		write("keys: [{tenant: acme, sha256: KEYalpha }, {tenant: acme, sha256: KEYbeta , requests_per_minute: 1}]")
		ask("alpha")
		ask("beta")
		ask("beta")
		at := time.Now()
		write("keys: [{tenant: other, sha256: KEYbeta , requests_per_minute: 1}]") // takes a minute
		ask("alpha")
		ask("beta")
		ask("beta")
		if time.Since(at) != time.Minute {
			t.Fatal("the clock of the test is not that of a bubble")
		}
		writeKeys(t, file, "keys: [{tenant: third, sha256: KEYbeta , requests_per_minute: 1}]")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		ask("beta") // the calls of before count
		write("keys: [")
		ask("beta")
		os.Remove(file)
		time.Sleep(time.Minute)
		synctest.Wait()
		ask("beta")
		if diff := cmp.Diff([]int{200, 200, 429, 401, 200, 429, 429, 200, 200}, got); diff != "" {
			t.Errorf("statuses (-want +got):\n%s", diff)
		}
		if used, kept := strings.Count(log.String(), "are in use"), strings.Count(log.String(), "the keys in use stay"); used != 3 || kept != 2 {
			t.Errorf("%d reports of use, %d of mistakes; want 3 and 2:\n%s", used, kept, log.String())
		}
	})
}

func TestNewKeysDifferAndFitTheirHashes(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		key, hash := gateway.NewKey()
		if seen[key] || len(key) < 43 || hashOf(key) != hash {
			t.Fatalf("key of %d bytes, hash %s; want one that is new and fits", len(key), hash)
		}
		seen[key] = true
	}
}

func ExampleParseKeys() {
	apiKey, hash := gateway.NewKey()
	keys, err := gateway.ParseKeys([]byte("keys:\n  - {tenant: acme, sha256: " + hash + ", requests_per_minute: 600}\n"))
	fmt.Println(len(apiKey), keys != nil, err)
	// Output: 46 true <nil>
}
