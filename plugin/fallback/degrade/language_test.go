package degrade_test

import (
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
)

// B87
func TestTemplateLanguage(t *testing.T) {
	ctx := call.With(t.Context(), call.Info{App: "shop", Tenant: "acme"})
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
		"":                               degrade.DefaultText,
		`{{if ne .Tenant "acme"}}a{{end}}{{if and .App .Agent}}b{{end}}c`:             "c",
		`{{or .Agent "Somebody"}} of {{.App}}{{if not .Agent}}, I guess{{end}}.`:      "Somebody of shop, I guess.",
		"{{- /* the spaces around it go */ -}} The model is {{ .Model }}. {{- \"\"}}": "The model is flash.",
	} {
		if err := degrade.CheckTemplate(text); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		texts, _, err := ask(ctx, degrade.MustTemplate(degrade.TemplateConfig{Text: text}), hello(), false)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		want(t, texts, []string{said})
	}
}

// A template comes from a file that others may write: it can neither take its
// time nor fill the memory.
func TestTemplateLanguageIsBounded(t *testing.T) {
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
		err := degrade.CheckTemplate(text)
		if err == nil || !strings.HasPrefix(err.Error(), "degrade: TemplateConfig.Text: "+found+" is not supported; use text, {{.App}}") {
			t.Errorf("%.60s: error %v, want %s found", text, err, found)
		}
		if _, err := degrade.NewTemplate(degrade.TemplateConfig{Text: text}); err == nil {
			t.Errorf("%.60s: NewTemplate has no error", text)
		}
	}
}

// A text that some call would get nothing of is refused: a last resort answers them
// all. B87
func TestTemplatesThatMaySayNothingAreRefused(t *testing.T) {
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
		err := degrade.CheckTemplate(text)
		if err == nil || !strings.HasPrefix(err.Error(), "degrade: TemplateConfig.Text: "+found+" may be blank; add text outside of {{if …}}") {
			t.Errorf("%q: error %v, want %s found", text, err, found)
		}
		if _, err := degrade.NewTemplate(degrade.TemplateConfig{Text: text}); err == nil {
			t.Errorf("%q: NewTemplate has no error", text)
		}
	}
}

// What CheckTemplate has nothing against always says something, whatever is known
// of the call, that is bounded by its own length.
func FuzzTemplateLanguage(f *testing.F) {
	for _, text := range []string{
		"Sorry.", `{{if eq .Tenant "acme"}}gold{{else if .App}}{{.Model}}{{end}}`, `{{or .Agent "x"}}{{not .App}}{{and .App .Agent}}`,
		"{{range 9}}x{{end}}", `{{define "text"}}x{{end}}`, "{{/* x */}}", "{{()}}", "{{- -}}", `{{printf "%99d" 1}}`, "{{.App", "{{if .Tenant}}x{{end}}", `{{or .Agent "x"}}`, "{{if .App}}{{else}}x{{end}} {{.Model}}", "\xff{{\"\\xff\"}}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" || degrade.CheckTemplate(text) != nil {
			return
		}
		m := degrade.MustTemplate(degrade.TemplateConfig{Text: text})
		for _, info := range []call.Info{{}, {Tenant: "tenant"}, {App: "app", Agent: "agent", Tenant: "tenant"}} {
			texts, _, err := ask(call.With(t.Context(), info), m, hello(), false)
			if err != nil || strings.TrimSpace(texts[0]) == "" || len(texts[0]) > 2*len(text) {
				t.Errorf("%q: %q, error %v", text, texts, err)
			}
		}
	})
}
