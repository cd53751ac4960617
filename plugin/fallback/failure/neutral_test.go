package failure_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// payload is an error as it arrived.
type payload struct {
	name   string
	status int
	header http.Header
	body   string
}

func (p payload) judge() failure.Verdict {
	return atNoon.ClassifyHTTP(p.status, p.header, []byte(p.body))
}

// payloads returns the errors of this package's tables, and those of a folder of collected ones: the one named by
// ERROR_CORPUS, or shared/corpus beside the checkout.
func payloads(t testing.TB) (all []payload) {
	t.Helper()
	for _, table := range [][]response{planErrors(), faultErrors(), moneyErrors(), wordedErrors()} {
		for _, r := range table {
			all = append(all, payload{r.name, r.status, nil, r.body})
		}
	}
	return append(all, collected(t)...)
}

// collected returns the errors of the folder of collected ones, none where there is no such folder.
func collected(t testing.TB) (all []payload) {
	t.Helper()
	folder := os.Getenv("ERROR_CORPUS")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "..", "shared", "corpus")
	}
	paths, err := filepath.Glob(filepath.Join(folder, "[0-9]*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 && os.Getenv("ERROR_CORPUS") != "" {
		t.Fatalf("%s holds no errors ([0-9]*.json); correct ERROR_CORPUS", folder)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var c struct {
			Status int               `json:"http_status"`
			Header map[string]string `json:"headers"`
			Body   json.RawMessage   `json:"body"`
		}
		if err := json.Unmarshal(data, &c); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		p := payload{name: strings.TrimSuffix(filepath.Base(path), ".json"), status: c.Status, header: http.Header{}, body: string(c.Body)}
		for key, value := range c.Header {
			p.header.Set(key, value)
		}
		if len(c.Body) > 0 && c.Body[0] == '"' {
			if err := json.Unmarshal(c.Body, &p.body); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
		}
		all = append(all, p)
	}
	return all
}

// rewritings change what carries no meaning.
var rewritings = []struct {
	name    string
	rewrite func(body string) string
}{
	{"other numbers", otherNumbers},
	{"other model names", otherModels},
	{"other order of keys", reversedKeys},
	{"one level deeper", func(body string) string {
		if !json.Valid([]byte(body)) {
			return `{"error":{"message":` + quoted(body) + `}}`
		}
		return `{"error":` + body + `}`
	}},
	{"as a JSON string", quoted},
}

// No rule names a payload: numbers, names of models, the order of keys and one more envelope change no verdict.
func TestNeutralRewritingsKeepTheVerdict(t *testing.T) {
	for _, p := range payloads(t) {
		want := p.judge()
		for _, r := range rewritings {
			q := p
			if q.body = r.rewrite(p.body); q.body == "" || p.body == "" {
				continue
			}
			if got := q.judge(); got.Action != want.Action || got.Kind != want.Kind {
				t.Errorf("%s, %s: %s %s (%s), want %s %s\nof    %.300s\nfrom  %.300s", p.name, r.name, got.Action, got.Kind, got.Reason, want.Action, want.Kind, q.body, p.body)
			}
		}
	}
	if len(collected(t)) == 0 {
		t.Log("only the errors of this package: put a folder of collected ones at shared/corpus beside the checkout, or name it in ERROR_CORPUS")
	}
}

func quoted(body string) string {
	b, _ := json.Marshal(body)
	return string(b)
}

// counts are numbers of four digits or more that count something: neither part of a longer word, a date or a decimal, nor a
// code, a year or a delay.
var (
	counts = regexp.MustCompile(`[\w.:/-]*\d[\w.:/-]*`)
	count  = regexp.MustCompile(`^\d{4,9}$`)
	delays = regexp.MustCompile(`^ ?(s|ms|sec|min|hour|day|week)`)
	codes  = regexp.MustCompile(`(?i)(code\\?['"]?|status\\?['"]?|seconds\\?['"]?|delay\\?['"]?|after\\?['"]?|reset\w*\\?['"]?|on|\[|\(|error)\s*:?\s*\\?['"]?$`)
)

// otherNumbers makes every count three times as large, so that what exceeded a limit still does.
func otherNumbers(body string) string {
	var b strings.Builder
	end := 0
	for _, at := range counts.FindAllStringIndex(body, -1) {
		word := strings.TrimRight(body[at[0]:at[1]], ".:/-") // the end of a sentence
		at[1] = at[0] + len(word)
		n, _ := strconv.Atoi(word)
		if !count.MatchString(word) || n >= 2020 && n <= 2040 || delays.MatchString(body[at[1]:]) || codes.MatchString(body[:at[0]]) {
			continue
		}
		b.WriteString(body[end:at[0]])
		b.WriteString(strconv.Itoa(3 * n))
		end = at[1]
	}
	b.WriteString(body[end:])
	return b.String()
}

var modelNames = regexp.MustCompile(`\b(gpt|claude|gemini|llama-?|grok|kimi|qwen|mistral|devstral|muse|text|glm)-[a-z0-9][a-z0-9.]*(-[a-z0-9.]+)*\b`)

func otherModels(body string) string { return modelNames.ReplaceAllString(body, "nova-9-lite") }

// reversedKeys writes the objects of a JSON body with their keys in the opposite order, "" for what is no JSON.
func reversedKeys(body string) string {
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	out, ok := reversed(d)
	if !ok || d.More() {
		return ""
	}
	return out
}

func reversed(d *json.Decoder) (string, bool) {
	token, err := d.Token()
	if err != nil {
		return "", false
	}
	delim, isDelim := token.(json.Delim)
	if !isDelim {
		b, err := json.Marshal(token)
		return string(b), err == nil
	}
	var parts []string
	for d.More() {
		part := ""
		if delim == '{' {
			key, err := d.Token()
			if err != nil {
				return "", false
			}
			part = quoted(fmt.Sprint(key)) + ":"
		}
		value, ok := reversed(d)
		if !ok {
			return "", false
		}
		if part += value; delim == '{' {
			parts = append([]string{part}, parts...)
		} else {
			parts = append(parts, part)
		}
	}
	if _, err := d.Token(); err != nil {
		return "", false
	}
	if delim == '{' {
		return "{" + strings.Join(parts, ",") + "}", true
	}
	return "[" + strings.Join(parts, ",") + "]", true
}

// BenchmarkPayloads judges every payload once per iteration; µs/payload is the mean, µs-median that of the payloads.
func BenchmarkPayloads(b *testing.B) {
	all := payloads(b)
	took := make([]time.Duration, len(all))
	for b.Loop() {
		for i, p := range all {
			start := time.Now()
			p.judge()
			if d := time.Since(start); took[i] == 0 || d < took[i] {
				took[i] = d
			}
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(all)), "µs/payload")
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "µs-median")
	b.ReportMetric(float64(took[len(took)-1].Nanoseconds())/1e3, "µs-max")
}
