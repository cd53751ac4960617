package plugin_test

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/adk-fallback/adk-fallback/"

// pkg is a package of the module. Those of the module have its paths cut.
type pkg struct {
	imports []string // of its own files without tests
	deps    []string // all that it compiles
}

// packages returns the packages of the module by their paths in it; "" is the module.
var packages = sync.OnceValues(func() (map[string]pkg, error) {
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}}|{{join .Imports " "}}|{{join .Deps " "}}`, "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	all := make(map[string]pkg)
	for line := range strings.Lines(strings.ReplaceAll(string(out), module, "")) {
		parts := strings.Split(line, "|")
		all[parts[0]] = pkg{strings.Fields(parts[1]), strings.Fields(parts[2])}
	}
	return all, nil
})

// house returns the packages, all of which are there.
func house(t *testing.T) map[string]pkg {
	t.Helper()
	all, err := packages()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	if len(all) < 40 || len(all["plugin/fallback/policy"].deps) < 100 {
		t.Fatalf("%d packages; want all", len(all))
	}
	return all
}

// within reports whether a path is that of a package or of one in its folder.
func within(dep, folder string) bool { return dep == folder || strings.HasPrefix(dep, folder+"/") }

// arrows says for each public package, and those below them, which of the others its
// files import. Nothing is allowed that is not here.
var arrows = map[string]string{
	"plugin/fallback":                    "call",
	"plugin/fallback/call":               "",
	"plugin/fallback/failure":            "",
	"plugin/fallback/fallbacktest":       "",
	"plugin/fallback/provider":           "failure",
	"plugin/fallback/provider/gemini":    "failure provider",
	"plugin/fallback/provider/openai":    "failure provider",
	"plugin/fallback/provider/anthropic": "failure provider",
	"plugin/fallback/guard":              "call",
	"plugin/fallback/middleware":         "call failure inspect state",
	"plugin/fallback/cache":              "call inspect middleware state",
	"plugin/fallback/router":             "call failure guard inspect middleware provider state",
	"plugin/fallback/cascade":            "call failure inspect middleware",
	"plugin/fallback/jobs":               "call failure inspect middleware",
	"plugin/fallback/degrade":            "cache call failure inspect jobs middleware",
	"plugin/fallback/state":              "inspect",
	"plugin/fallback/observe":            "call inspect",
	"plugin/fallback/debugpage":          "call inspect",
	"plugin/fallback/policy/spec":        "",
	"plugin/fallback/policy":             "cache call degrade inspect observe policy/spec provider state",
	"plugin/fallback/state/redis":        "state",
	"plugin/fallback/gateway":            "cache call failure middleware policy policy/spec router",
	"internal/stream":                    "call failure inspect provider",
	"plugin/fallback/inspect":            "",
	"internal/alerts":                    "call policy/spec",
	"internal/circuit":                   "inspect state",
	"internal/queue":                     "inspect",
	"internal/ledger":                    "state",
	"internal/affinity":                  "call",
	"internal/group":                     "failure inspect",
	"internal/turn":                      "call failure",
	"internal/unanswered":                "call",
	"internal/catalog":                   "failure policy/spec provider",
	"internal/lesson":                    "call provider",
	"internal/foreign":                   "provider",
	"internal/httpclient":                "failure",
	"internal/telemetry":                 "call failure provider",
	"internal/llmtest":                   "call",
	"internal/plugintest":                "call failure router",
	"internal/providertest":              "failure fallbacktest",
	"internal/statetest":                 "state",
	"internal/simulate":                  "call cascade failure fallbacktest policy policy/spec", // the work of a command
	"internal/simulate/scenario":         "policy/spec",

	"plugin/fallback/provider/internal/wrap":             "",
	"plugin/fallback/provider/internal/modelname":        "",
	"plugin/fallback/provider/internal/repair":           "",
	"plugin/fallback/provider/internal/setting":          "",
	"plugin/fallback/failure/internal/prose":             "",
	"plugin/fallback/failure/internal/lenient":           "",
	"plugin/fallback/failure/internal/delay":             "",
	"plugin/fallback/failure/internal/quota":             "",
	"plugin/fallback/provider/openai/internal/api":       "failure",
	"plugin/fallback/provider/openai/internal/chat":      "failure provider",
	"plugin/fallback/provider/openai/internal/responses": "failure provider",
	"plugin/fallback/fallbacktest/internal/protocol":     "",
	"plugin/fallback/state/internal/storetest":           "state",
	"plugin/fallback/gateway/internal/problem":           "",
	"plugin/fallback/gateway/internal/protocol":          "call failure",
	"plugin/fallback/gateway/internal/gemini":            "call",
	"plugin/fallback/gateway/internal/openai":            "call",
	"plugin/fallback/policy/internal/facts":              "call guard policy/spec",
	"plugin/fallback/policy/internal/flags":              "call guard middleware policy/spec",
	"plugin/fallback/policy/internal/endpoint":           "policy/spec provider provider/gemini provider/openai",
	"plugin/fallback/policy/internal/rate":               "middleware policy/spec",
	"plugin/fallback/policy/internal/app":                "degrade policy/spec provider state",
	"plugin/fallback/policy/internal/stack":              "failure inspect middleware policy/spec state",
	"plugin/fallback/policy/internal/tree":               "cache call cascade degrade failure guard inspect middleware policy/spec router state",
	"plugin/fallback/policy/spec/internal/hints":         "internal/strictyaml",
	"plugin/fallback/policy/spec/internal/region":        "",
	"plugin/fallback/policy/spec/internal/texts":         "",
}

// Arrows point one way: policy → {router, cascade, cache} → {middleware, guard} → {failure, call, provider}. Only the
// gateway and programs import policy.
// A room of provider knows no other, and what lives in internal knows of no public
// package but those it is listed with.
func TestArrowsPointOneWay(t *testing.T) {
	t.Parallel()
	all := house(t)
	for name, p := range all {
		public := within(name, "plugin/fallback")
		listed, known := arrows[name]
		switch {
		case public && !known && strings.Contains(name, "/internal/"):
			listed = strings.TrimPrefix(path.Dir(strings.Split(name, "/internal/")[0]), "plugin/fallback/")
		case public && !known:
			t.Errorf("%s is a public package without arrows; add them to the table", name)
		case !public && !within(name, "internal"):
			continue // cmd, samples and plugin_test may import anything
		}
		for _, imported := range p.imports {
			if !within(imported, "plugin/fallback") || strings.Contains(imported, "/internal/") {
				continue
			}
			if to := strings.TrimPrefix(imported, "plugin/fallback/"); !slices.Contains(strings.Fields(listed), to) {
				t.Errorf("%s imports %s; it may import {%s}", name, imported, listed)
			}
		}
	}
	for name := range arrows {
		if _, exists := all[name]; !exists {
			t.Errorf("%s has arrows but no files", name)
		}
	}
}

// The engine compiles with both majors of ADK: it must not reach ADK's runner or
// telemetry.
func TestEngineImportsOfADKOnlyData(t *testing.T) {
	imported := []string{"model", "session", "memory"}
	compiled := append([]string{"platform", "tool/toolconfirmation"}, imported...) // by those three
	for name, p := range house(t) {
		if !engine(name) {
			continue
		}
		for _, dep := range p.imports {
			if of, ok := strings.CutPrefix(dep, adk); ok && !slices.Contains(imported, of) {
				t.Errorf("%s imports ADK's %s", name, of)
			}
		}
		for _, dep := range p.deps {
			if of, ok := strings.CutPrefix(dep, adk); ok && !within(of, "internal") && !slices.Contains(compiled, of) {
				t.Errorf("%s compiles ADK's %s", name, of)
			}
		}
	}
}

// engine reports whether a package is part of what both majors of ADK compile with: all
// but the plugin itself and programs.
func engine(name string) bool {
	return name != "plugin/fallback" && (within(name, "plugin/fallback") || within(name, "internal"))
}

// What a package must not compile, so that its users do not either.
func TestPackagesStayLight(t *testing.T) {
	sdks := "github.com/openai/ github.com/anthropics/ github.com/aws/ github.com/Azure/ google.golang.org/adk/v2/model/gemini"
	models := "plugin/fallback/provider plugin/fallback/router plugin/fallback/cascade plugin/fallback/cache plugin/fallback/middleware plugin/fallback/guard plugin/fallback/degrade plugin/fallback/jobs plugin/fallback/call plugin/fallback/failure"
	for _, rule := range []struct{ name, heavy string }{
		// The plugin alone: no store, no conditions, no server, no cache.
		{"plugin/fallback", "github.com/redis/ cel.dev/ github.com/google/cel-go github.com/maypok86/ github.com/spf13/ github.com/chromedp/ github.com/open-feature/ modernc.org/ github.com/glebarez/"},
		// A policy: of the SDKs genai alone. Package cel and what it alone needs are 1.6 MB of every binary, its standard
		// library 0.5 MB: conditions use the packages beneath them.
		{"plugin/fallback/policy", sdks + " plugin/fallback/provider/anthropic cel.dev/cel-go/cel cel.dev/cel-go/common/env cel.dev/cel-go/common/stdlib go.yaml.in/yaml/v3 github.com/redis/ github.com/open-feature/"},
		// What a file says: no model, no engine, no SDK.
		{"plugin/fallback/policy/spec", "google.golang.org/adk google.golang.org/genai " + sdks + " " + models},
		{"cmd/adk-fallback/internal/picture", "google.golang.org/adk google.golang.org/genai " + sdks + " " + models},
		// The reader of tagged structs: no policy, no conditions, no models.
		{"internal/strictyaml", "plugin internal/condition internal/price cel.dev google.golang.org/adk google.golang.org/genai"},
		// It compares texts: no model, no router.
		{"internal/continuation", "plugin google.golang.org/adk google.golang.org/genai"},
		// It counts calls and moves a share: no model, no router.
		{"internal/adaptive", "plugin google.golang.org/adk google.golang.org/genai"},
		// Parts that are used by hand.
		{"plugin/fallback/guard", "github.com/maypok86/ cel.dev/ github.com/open-feature/ go.yaml.in/yaml"},
		{"plugin/fallback/middleware", "github.com/maypok86/"},
		{"plugin/fallback/router", "github.com/maypok86/"},
		{"plugin/fallback/cascade", "github.com/maypok86/"},
		{"plugin/fallback/call", "cel.dev/ github.com/maypok86/ go.yaml.in/yaml"},
		{"plugin/fallback/failure", "cel.dev/ github.com/maypok86/ go.yaml.in/yaml " + sdks},
		{"plugin/fallback/fallbacktest", "google.golang.org/adk cel.dev/ go.yaml.in/yaml " + sdks},
		{"plugin/fallback/state", "github.com/redis/ github.com/maypok86/ cel.dev/"},
		{"plugin/fallback/jobs", "modernc.org/ github.com/glebarez/ github.com/jackc/ cel.dev/"},
		{"engine", "go.opentelemetry.io/otel/log go.opentelemetry.io/otel/sdk github.com/openai/ github.com/google/cel-go"},
	} {
		found := false
		for name, p := range house(t) {
			if name != rule.name && (rule.name != "engine" || !engine(name)) {
				continue
			}
			found = true
			for _, dep := range p.deps {
				for _, heavy := range strings.Fields(rule.heavy) {
					if within(dep, strings.TrimSuffix(heavy, "/")) {
						t.Errorf("%s compiles %s", name, dep)
					}
				}
			}
		}
		if !found {
			t.Errorf("no package %s", rule.name)
		}
	}
}

// One package each knows a library that others would get to know by and by.
func TestLibrariesHaveOneDoor(t *testing.T) {
	for library, doors := range map[string]string{
		"cel.dev":                          "internal/condition",
		"go.yaml.in/yaml":                  "internal/alerts internal/strictyaml",
		"github.com/maypok86":              "plugin/fallback/cache",
		"github.com/open-feature":          "", // a program that has flags brings it
		"github.com/anthropics":            "plugin/fallback/provider/anthropic",
		"database/sql":                     "plugin/fallback/jobs",
		"github.com/redis":                 "plugin/fallback/state/redis",
		"github.com/alicebob":              "",
		"go.opentelemetry.io/otel":         "internal/alerts internal/telemetry plugin/fallback/observe plugin/fallback/policy",
		"go.opentelemetry.io/otel/log":     "",
		"google.golang.org/adk/v2/runner":  "plugin/fallback",
		"google.golang.org/adk/v2/plugin":  "plugin/fallback",
		"google.golang.org/adk/v2/agent":   "plugin/fallback",
		"google.golang.org/adk/v2/memory":  "plugin/fallback/degrade",
		"google.golang.org/adk/v2/session": "internal/unanswered plugin/fallback plugin/fallback/call plugin/fallback/jobs plugin/fallback/policy/internal/facts",
	} {
		for name, p := range house(t) {
			if !engine(name) && name != "plugin/fallback" || slices.Contains(strings.Fields(doors), name) {
				continue
			}
			for _, dep := range p.imports {
				if within(dep, library) {
					t.Errorf("%s imports %s; of this module, only {%s} may", name, dep, doors)
				}
			}
		}
	}
}
