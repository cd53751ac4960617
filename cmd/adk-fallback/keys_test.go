package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/adk-fallback/adk-fallback/internal/race"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// drawn returns n characters of an alphabet.
func drawn(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// drawnKeys returns a key of each kind, in the form that its provider gives out.
func drawnKeys() map[string]string {
	const (
		digits  = "0123456789"
		capital = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		letters = capital + "abcdefghijklmnopqrstuvwxyz"
		alnum   = letters + digits
		url     = alnum + "_-"
	)
	r := rand.New(rand.NewPCG(12, 132))
	keys := map[string]string{
		"OpenAI":         "sk-proj-" + drawn(r, url, 74) + "T3BlbkFJ" + drawn(r, url, 74),
		"Anthropic":      "sk-ant-api03-" + drawn(r, url, 93) + "AA",
		"Google":         "AIza" + drawn(r, url, 35),
		"Groq":           "gsk_" + drawn(r, alnum, 52),
		"Hugging Face":   "hf_" + drawn(r, letters, 34),
		"GitHub":         "ghp_" + drawn(r, alnum, 36),
		"xAI":            "xai-" + drawn(r, alnum, 80),
		"Stripe":         "sk_live_" + drawn(r, alnum, 24),
		"AWS key":        "AKIA" + drawn(r, capital+"234567", 16),
		"AWS secret":     drawn(r, alnum+"/+", 40),
		"hexadecimal":    drawn(r, digits+"abcdef", 32),
		"JWT":            "eyJ" + drawn(r, alnum, 33) + ".eyJ" + drawn(r, url, 60) + "." + drawn(r, url, 43),
		"redis URL":      "redis://default:" + drawn(r, alnum, 16) + "@cache.example.com:6379/0",
		"bearer":         "Bearer " + drawn(r, url, 20) + drawn(r, alnum, 20),
		"PEM block":      "-----BEGIN PRIVATE KEY-----\n" + drawn(r, alnum+"+/", 64) + "\n" + drawn(r, alnum+"+/", 64) + "\n-----END PRIVATE KEY-----\n",
		"PEM, one line":  "-----BEGIN RSA PRIVATE KEY-----" + drawn(r, alnum+"+/", 64) + "-----END RSA PRIVATE KEY-----",
		"webhook":        "https://hooks.slack.com/services/T" + drawn(r, capital+digits, 8) + "/B" + drawn(r, capital+digits, 10) + "/" + drawn(r, alnum, 24),
		"key with label": "OPENAI_API_KEY=" + drawn(r, alnum, 20),
	}
	return keys
}

// secretOf returns what of a key is secret: not the words that everybody's keys have.
func secretOf(key string) string {
	for _, public := range []string{
		"sk-proj-", "T3BlbkFJ", "sk-ant-api03-", "sk_live_", "redis://default:", "@cache.example.com:6379/0", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----",
		"-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "Bearer ", "https://hooks.slack.com/services/", "OPENAI_API_KEY=",
	} {
		key = strings.ReplaceAll(key, public, "\n")
	}
	return key
}

// leaked returns eight characters of a key that a text has, "" if it has none.
func leaked(text, key string) string {
	for line := range strings.FieldsSeq(secretOf(key)) {
		for i := 0; i+8 <= len(line); i++ {
			if strings.Contains(text, line[i:i+8]) {
				return line[i : i+8]
			}
		}
	}
	return ""
}

// scalars returns the values and keys of a file, in order.
func scalars(n *yaml.Node) []*yaml.Node {
	if n.Kind == yaml.ScalarNode {
		return []*yaml.Node{n}
	}
	var all []*yaml.Node
	for _, within := range n.Content {
		all = append(all, scalars(within)...)
	}
	return all
}

// load loads a policy file and returns the error and the log.
func load(t *testing.T, file string) string {
	t.Helper()
	var log bytes.Buffer
	env := func(string) (string, bool) { return "set", true }
	_, err := policy.Load(t.Context(), file, policy.WithLogger(slog.New(slog.NewTextHandler(&log, nil))), policy.WithEnv(env))
	return log.String() + fmt.Sprint(err)
}

// policies returns the full example, and it without what this version only checks, so that a tree is printed.
func policies(t *testing.T) map[string]*yaml.Node {
	t.Helper()
	data, err := os.ReadFile("../../plugin/fallback/policy/spec/testdata/good/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*yaml.Node{"full": {}, "without later sections": {}}
	for name, doc := range all {
		if err := yaml.Load(data, doc); err != nil {
			t.Fatal(err)
		}
		if name != "full" {
			without(doc.Content[0], "state")
		}
	}
	return all
}

// without removes keys from the mapping n and those in it.
func without(n *yaml.Node, keys ...string) {
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := len(n.Content) - 2; i >= 0; i -= 2 {
		if slices.Contains(keys, n.Content[i].Value) {
			n.Content = slices.Delete(n.Content, i, i+2)
			continue
		}
		without(n.Content[i+1], keys...)
	}
}

// No key that stands in a file by mistake is ever printed: instead of any value and
// of any key of a mapping, within a condition, or as a part of a text. B132
func TestNoKeyIsPrinted(t *testing.T) {
	keys := drawnKeys()
	kinds := slices.Sorted(maps.Keys(keys))
	forms := []string{"%[2]s", "%[1]s %[2]s", `error_code == "%[2]s"`, "error || %[2]s", "{{if %[2]s}}x{{end}}", "https://user:%[2]s@host/v1", "(%[2]s", "%[2]s: x", "[%[2]s"}
	file := filepath.Join(t.TempDir(), "fallback.yaml")
	trees, draw := 0, rand.New(rand.NewPCG(1, 0))
	files := policies(t)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		doc := files[name]
		places := scalars(doc)
		if len(places) < 250 {
			t.Fatalf("%d values and keys; want all", len(places))
		}
		if name == "full" { // only state, its last section: the others are in the other file, too
			places = places[len(scalars(files["without later sections"])):]
		}
		step := len(places) / race.Runs(len(places))
		for i, n := range places {
			if i%step > 0 {
				continue
			}
			was := *n
			kind, form := kinds[i%len(kinds)], forms[0] // the whole value in half of the places
			if draw.IntN(2) == 1 {
				form = forms[1+draw.IntN(len(forms)-1)]
			}
			key := keys[kind]
			n.Value, n.Tag, n.Style = fmt.Sprintf(strings.Replace(form, "%[2]s", "%[2]s%.0[1]s", 1), was.Value, key), "!!str", 0
			changed, err := yaml.Dump(doc)
			*n = was
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, changed, 0o600); err != nil {
				t.Fatal(err)
			}
			args := [][]string{{"check", file}, {"check", "--json", file}, {"explain", "--http-status", "503", "--policy", file}, {"alerts", file}}[draw.IntN(4)]
			out, err := run(t, "overloaded", args...)
			if err != nil {
				out += "\n" + err.Error()
			} else {
				trees++
			}
			out += "\n" + load(t, file)
			if part := leaked(out, key); part != "" {
				at := out[max(0, strings.Index(out, part)-60):]
				t.Errorf("%s, %q instead of %q: %s prints %q of %s: …%.200s", name, form, was.Value, args[:2], part, kind, at)
			}
		}
	}
	if trees < race.Runs(20) {
		t.Errorf("%d trees and plans; want many", trees)
	}
}

// B132: the parser's own messages repeat no key either.
func TestNoKeyIsPrintedOfAFileThatIsNoYAML(t *testing.T) {
	for kind, key := range drawnKeys() {
		key := strings.TrimSpace(key)
		for _, form := range []string{"%s", "primary: *%s", "primary: &%s", "primary: !%s x", "primary: !<%s> x", "%s: [", "primary: a: %s", "primary: '%s", "%%TAG ! %s\n---\na", "%%%s\n---\na", "primary: |%s", "\t%s", "primary: a\n %s: b", "<<: %s"} {
			out, err := run(t, fmt.Sprintf(form, key), "check", "-")
			if part := leaked(out+fmt.Sprint(err), key); part != "" {
				t.Errorf("%s, %q: %q is printed: %s", kind, form, part, out)
			}
		}
	}
}
