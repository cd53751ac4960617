package failure

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/prose"
)

var update = flag.Bool("update", false, "write docs/errors.md anew")

const docs = "../../../docs/errors.md"

// docs/errors.md says what the tables say. Run the tests of this package with -update after a change.
func TestDocsAreUpToDate(t *testing.T) {
	tmpl, err := template.ParseFiles("testdata/errors.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := tmpl.Execute(&want, map[string]any{"Kinds": docKinds(t), "Wordings": docWordings(), "Vendors": docVendors()}); err != nil {
		t.Fatal(err)
	}
	text := strings.TrimRight(want.String(), "\n") + "\n"
	if *update {
		if err := os.WriteFile(docs, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text, string(got)); diff != "" {
		t.Errorf("docs/errors.md (-want +got):\n%s", diff)
	}
}

type docKind struct {
	Kind                   Kind
	Meaning, Action, Scope string
}

// docKinds lists the kinds in the order of verdict.go, with their comments there and what the rules make of them.
func docKinds(t *testing.T) (all []docKind) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "verdict.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Kind") || spec.Comment == nil {
			return true
		}
		kind := Kind(strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`))
		if v, ok := typical(kind); ok {
			all = append(all, docKind{kind, docCell(strings.TrimSpace(spec.Comment.Text())), actionOf(v), scopes[v.Scope]})
		}
		return true
	})
	return all
}

var scopes = map[Scope]string{ScopeRequest: "nothing", ScopeModel: "this model", ScopeAccount: "this account", ScopeEndpoint: "this endpoint", ScopeProvider: "this provider"}

// typical returns the verdict of a kind without a hint; false for a kind that no error of a provider has.
func typical(kind Kind) (Verdict, bool) {
	e := &evidence{kind: kind, message: "x", text: "x"}
	switch kind {
	case KindRejected:
		return Verdict{}, false
	case KindCanceled:
		return canceled(), true
	case KindNetwork:
		return unreachable(""), true
	case KindTruncated:
		return damaged(), true
	case KindUnknown:
		return unrecognized(""), true
	case KindZeroQuota:
		e.kind, e.zero, e.status = KindRateLimit, true, 429
	case KindRateLimit:
		e.status = 429
	case KindServer:
		e.kind, e.status = "", 500
	case KindInvalid:
		e.kind, e.status = "", 400
	}
	return e.decide(), true
}

func actionOf(v Verdict) string {
	switch {
	case v.Kind == KindQuota:
		return "fallback, until the [reset](#cooldown-of-a-quota)"
	case v.Action == Retry && v.MaxRetries == 1 && v.Cooldown > 0:
		return fmt.Sprintf("retry once, then fallback for %v", v.Cooldown)
	case v.Action == Retry && v.MaxRetries == 1:
		return "retry once, then fallback"
	case v.Action == Retry:
		return "retry, then fallback"
	case v.Cooldown > 0:
		return fmt.Sprintf("%s, for %v", v.Action, v.Cooldown)
	}
	return string(v.Action)
}

type docWording struct {
	Number            int
	Kind              Kind
	Firm              bool
	When, Any, Unless string
	Of                string
}

func docWordings() (all []docWording) {
	for i, w := range wordings {
		all = append(all, docWording{i + 1, w.kind, w.firm, docClass(w.when), docPhrases(w.any), docPhrases(w.unless), docNames(w.of)})
	}
	return all
}

// docNames returns the names of vendors, without what stands behind a colon, a comma or in brackets.
func docNames(list []vendor) string {
	var names []string
	for _, of := range list {
		name := vendors[of].name
		if n := strings.IndexAny(name, ":,("); n > 0 {
			name = name[:n]
		}
		names = append(names, strings.TrimSpace(name))
	}
	return strings.Join(names, ", ")
}

func docClass(c class) string {
	if c == every {
		return "any"
	}
	var names []string
	for i, name := range []string{"none", "other 4xx", "401, 403", "404", "402, 429", "5xx"} {
		if c&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "; ")
}

func docPhrases(list []prose.Phrase) string {
	var words []string
	for _, p := range list {
		s, then, two := strings.Cut(p.String(), "…")
		s = strings.TrimSpace(s)
		if two {
			s += " … " + strings.TrimSpace(then)
		}
		words = append(words, docCell(s))
	}
	return strings.Join(words, "; ")
}

type docVendor struct {
	Name, Anchor, Page, Rule string
	Codes                    []docCode
}

type docCode struct {
	Codes  string
	Kind   Kind
	Status int
}

// docVendors lists the vendors by name, the codes of nobody in particular last.
func docVendors() (all []docVendor) {
	for i := 1; i <= len(vendors); i++ {
		of := vendor(i % len(vendors))
		v := docVendor{Name: vendors[of].name, Page: vendors[of].page, Rule: vendors[of].rule, Anchor: anchor(vendors[of].name)}
		for _, row := range vocabulary {
			if row.of == of {
				v.Codes = append(v.Codes, docCode{"`" + strings.Join(strings.Fields(row.codes), "`, `") + "`", row.kind, row.status})
			}
		}
		all = append(all, v)
	}
	return all
}

// anchor is what GitHub makes of a heading.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-':
			return '-'
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_':
			return r
		}
		return -1
	}, strings.ToLower(heading))
}

func docCell(text string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`, "<", `\<`).Replace(text)
}

// A code of the vocabulary has one meaning, is as long as is compared, and its vendor has a page.
func TestVocabularyIsSound(t *testing.T) {
	seen := map[string]string{}
	for _, row := range vocabulary {
		if vendors[row.of].name == "" || row.of != anyone && vendors[row.of].page == "" {
			t.Errorf("vendor %d of %s has no name or page", row.of, row.codes)
		}
		for code := range strings.FieldsSeq(row.codes) {
			n := normal(code)
			if other := seen[n]; other != "" {
				t.Errorf("%s and %s are one code", code, other)
			}
			if len(n) >= maxCode {
				t.Errorf("%s has %d bytes, of which %d are compared", code, len(n), maxCode)
			}
			if _, isGRPC := statusOf[n]; isGRPC {
				t.Errorf("%s is a name of gRPC's", code)
			}
			seen[n] = code
		}
	}
}

// The firm wordings are asked alone, so they come first.
func TestFirmWordingsComeFirst(t *testing.T) {
	for i, w := range wordings[1:] {
		if w.firm && !wordings[i].firm {
			t.Errorf("wording %d is firm, the one before is not", i+2)
		}
	}
}
