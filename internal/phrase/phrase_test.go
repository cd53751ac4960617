package phrase_test

import (
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/phrase"
)

// fields are what a text may name.
type fields struct{ App, Agent, Tenant, Model string }

// execute returns what text says of the fields.
func execute(text string, known fields) (string, error) {
	parsed, err := phrase.Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = parsed.Execute(&b, known)
	return b.String(), err
}

// B87
func TestLanguage(t *testing.T) {
	known := fields{App: "shop", Tenant: "acme", Model: "flash"}
	for text, said := range map[string]string{
		"Sorry.":                             "Sorry.",
		"{{.App}} is away{{/* for now */}}.": "shop is away.",
		"{{if .Agent}}a{{else if .App}}b{{else}}c{{end}}":           "b",
		`{{if eq .Tenant "acme"}}gold{{else}}not {{.Model}}{{end}}`: "gold",
		`{{"Sorry."}}`:                   "Sorry.",
		`{{or .Agent "Somebody"}}`:       "Somebody",
		`{{or "Sorry." "x"}}`:            "Sorry.",
		`{{and "x" "Sorry."}}`:           "Sorry.",
		`{{eq .App .Agent}}`:             "false",
		"{{if .Agent}}{{end}} {{.App}}.": " shop.",
		`{{if ne .Tenant "acme"}}a{{end}}{{if and .App .Agent}}b{{end}}c`:             "c",
		`{{or .Agent "Somebody"}} of {{.App}}{{if not .Agent}}, I guess{{end}}.`:      "Somebody of shop, I guess.",
		"{{- /* the spaces around it go */ -}} The model is {{ .Model }}. {{- \"\"}}": "The model is flash.",
	} {
		if got, err := execute(text, known); err != nil || got != said {
			t.Errorf("%s: %q, error %v; want %q", text, got, err, said)
		}
	}
}

// A template comes from a file that others may write: it can neither take its
// time nor fill the memory.
func TestLanguageIsBounded(t *testing.T) {
	for text, found := range map[string]string{
		"{{range 100000000000}}{{end}}x":                      "{{range 100000000000}}",
		"{{if .App}}{{range .App}}x{{end}}{{end}}":            "{{range .App}}",
		"{{if .App}}{{else}}{{range .App}}x{{end}}{{end}}":    "{{range .App}}",
		`{{define "x"}}{{template "x"}}{{end}}`:               `{{define "x"}}`,
		`{{template "text"}}`:                                 `{{template "text"}}`,
		`{{block "x" .}}y{{end}}`:                             `{{define "x"}}`,
		"{{with .App}}{{.}}{{end}}":                           "{{with .App}}",
		`{{printf "%1000000d" 1}}`:                            `line 1: function "printf" not defined`,
		"x\n{{len .App}}":                                     `line 2: function "len" not defined`,
		"{{$x := .App}}":                                      "{{$x := .App}}",
		`{{.App | eq "x"}}`:                                   `{{.App | eq "x"}}`,
		"{{.}}":                                               ". in {{.}}",
		"{{.Prompt}}":                                         ".Prompt in {{.Prompt}}",
		"{{if .Prompt}}{{end}}":                               ".Prompt in {{.Prompt}}",
		"{{.App.Name}}":                                       ".App.Name in {{.App.Name}}",
		"{{.App 1}}":                                          "{{.App 1}}",
		"{{if eq .App 1}}{{end}}":                             "1 in {{eq .App 1}}",
		"{{if and (eq .App .Agent) .Tenant}}{{end}}":          "eq .App .Agent in {{and (eq .App .Agent) .Tenant}}",
		"{{if .App}}{{else}}{{if eq .App}}{{end}}{{end}}":     "{{eq .App}} with 1 arguments of eq, which takes 2,",
		"{{not .App .Agent}}":                                 "{{not .App .Agent}} with 2 arguments of not, which takes 1,",
		"{{.App":                                              "line 1: unclosed action",
		"{{if .App}}" + strings.Repeat("{{if .App}}", 10_000): "line 1: unexpected EOF",
	} {
		_, err := phrase.Parse(text)
		if err == nil || !strings.HasPrefix(err.Error(), found+" is not supported; use text, {{.App}}") {
			t.Errorf("%.60s: error %v, want %s found", text, err, found)
		}
	}
}

// A text that some call would get nothing of is refused: a last resort answers them
// all. B87
func TestTextsThatMaySayNothingAreRefused(t *testing.T) {
	for text, found := range map[string]string{
		"{{if .Tenant}}Sorry{{end}}":                   "{{if .Tenant}}",
		"{{if .Tenant}}Sorry{{else}}{{.Agent}}{{end}}": "{{if .Tenant}}",
		"{{if .Tenant}}{{else}}Sorry{{end}}":           "{{if .Tenant}}",
		"{{if .Tenant}}a{{else if .App}}b{{end}}":      "{{if .Tenant}}",
		" {{.Model}}\n":                                "{{.Model}}",
		`{{or .Agent .App}}`:                           "{{or .Agent .App}}",
		`{{or .Agent " "}}`:                            `{{or .Agent " "}}`,
		`{{or " " "x"}}`:                               `{{or " " "x"}}`,
		`{{and .Agent "x"}}`:                           `{{and .Agent "x"}}`,
		`{{and "x" ""}}`:                               `{{and "x" ""}}`,
		`{{" "}}`:                                      `{{" "}}`,
		" \n":                                          "text",
		"{{/* nothing */}}":                            "text",
	} {
		_, err := phrase.Parse(text)
		if err == nil || !strings.HasPrefix(err.Error(), found+" may be blank; add text outside of {{if …}}") {
			t.Errorf("%q: error %v, want %s found", text, err, found)
		}
	}
}

// What Parse has nothing against always says something, whatever is known
// of the call, that is bounded by its own length.
func FuzzLanguage(f *testing.F) {
	for _, text := range []string{
		"Sorry.", `{{if eq .Tenant "acme"}}gold{{else if .App}}{{.Model}}{{end}}`, `{{or .Agent "x"}}{{not .App}}{{and .App .Agent}}`,
		"{{range 9}}x{{end}}", `{{define "text"}}x{{end}}`, "{{/* x */}}", "{{()}}", "{{- -}}", `{{printf "%99d" 1}}`, "{{.App", "{{if .Tenant}}x{{end}}", `{{or .Agent "x"}}`, "{{if .App}}{{else}}x{{end}} {{.Model}}", "\xff{{\"\\xff\"}}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := phrase.Parse(text); err != nil {
			return
		}
		for _, known := range []fields{{}, {Tenant: "tenant"}, {App: "app", Agent: "agent", Tenant: "tenant", Model: "flash"}} {
			said, err := execute(text, known)
			if err != nil || strings.TrimSpace(said) == "" || len(said) > 2*len(text) {
				t.Errorf("%q: %q, error %v", text, said, err)
			}
		}
	})
}
