package picture_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/cmd/adk-fallback/internal/foresight"
	"github.com/adk-fallback/adk-fallback/cmd/adk-fallback/internal/picture"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// The picture is what package policy builds: the same layers in the same
// order, but for those that are no layer of their own (conditions, guards, arms).
// B90
func TestTreeIsWhatIsBuilt(t *testing.T) {
	files, err := filepath.Glob("../../../../plugin/fallback/policy/spec/testdata/good/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 5 {
		t.Fatalf("%d files, want 5 or more", len(files))
	}
	files = append(files, "../../testdata/everything.yaml", // instead of full.yaml
		write(t, "primary: a\nfallbacks: [{name: b}, {name: deferred-answer}]\ncascade: {model: c, judge: application, checks: {function: f}, grader: b, degrade: {below: 10%, to: cached-answer}}\n"+
			"overflow: trim\nmodels: {a: {context_window: 9}}\nbudgets: {usd_per_day: 1}\nvalidate: {}\n"+
			"experiments: {e: {target: c, arms: [{model: c, share: 50%}, {model: d, share: 50%}]}}\n"),
		write(t, "primary: a\nbudgets: {max_output_tokens: 100}\nretry: {max_attempts: 1}\n"),
		write(t, "primary: a\nfallbacks: [{name: b}, {name: c}, {name: template-response}]\nhedge: {target: c}\nstream: {idle: 1s}\nbudgets: {tenants: {x: {usd_per_day: 1}}}\n"+
			"models: {b: {rate_limits: {concurrency: 1}}}\nexperiments: {e: {target: b, arms: [{model: b, share: 50%}, {model: d, share: 50%}]}}\n"))
	for _, file := range slices.DeleteFunc(files, func(file string) bool { return filepath.Base(file) == "full.yaml" }) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p := parse(t, string(data))
			live, err := foresight.Build(p, func(name string) model.LLM { return &foresight.StandIn{Model: name} })
			if err != nil {
				t.Fatal(err)
			}
			defer live.Close()
			var want []string
			builtBy(live).walk(0, &want)
			var got []string
			printed(p, picture.Of(p, spec.Known{}).Tree, 0, &got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("layers (-built +printed):\n%s", diff)
			}
		})
	}
}

// Flags can switch answers of last resort off, too.
func TestTreeHasTheFlagsOfTheLastResort(t *testing.T) {
	p := parse(t, "primary: a\nfallbacks: [{name: cached-answer}, {name: closed}]\naliases: {closed: template-response}\n"+
		"flags: {old: {targets: [cached-*], default: false}, sorry: {targets: [closed, cached-answer]}}\n")
	var got []string
	for _, entry := range picture.Of(p, spec.Known{}).Tree.Within[0].Within[1:] { // within the cache
		path := ""
		for ; entry != nil; entry = append(entry.Within, nil)[0] {
			path += " → " + entry.Layer
			if entry.Layer == "flag" {
				path += " " + entry.Settings
			}
		}
		got = append(got, path)
	}
	want := []string{
		" → when → flag old, off by default → flag sorry, on by default → cached-answer",
		" → when → flag sorry, on by default → closed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

// A soft limit that spares the primary nothing is no part of the tree.
func TestTreeHasNoSoftLimitWithoutAnotherModel(t *testing.T) {
	for fallbacks, want := range map[string]int{"{name: b}, {name: template-response}": 2, "{name: template-response}": 0} {
		p := parse(t, "primary: a\nfallbacks: ["+fallbacks+"]\nbudgets: {usd_per_day: 1, soft_limit: {}}\n")
		var out strings.Builder
		if err := picture.Of(p, spec.Known{}).Print(&out); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(out.String(), "soft_limit"); got != want {
			t.Errorf("%s: soft_limit is printed %d times, want %d:\n%s", fallbacks, got, want, &out)
		}
	}
}

// printed writes a line for each layer below l that is one of its own when it is
// built.
func printed(p *spec.Policy, l *picture.Layer, depth int, lines *[]string) {
	switch name, _, _ := strings.Cut(l.Layer, " "); name {
	case "grader": // behind a function
		return
	case "context", "observe", "state", "when", "arm", "soft_limit", "overflow", "compliance", "flag", "capability", "tools", "context_window":
	case "model":
		name, _, _ := strings.Cut(l.Settings, " ")
		*lines = append(*lines, strings.Repeat("  ", depth)+p.Resolve(name).Model)
	default:
		*lines = append(*lines, strings.Repeat("  ", depth)+name)
		depth++
	}
	for _, inner := range l.Within {
		printed(p, inner, depth, lines)
	}
}

// built is a part of a tree that package policy has built, as reflection sees it:
// nothing else needs to be asked what is within it.
type built struct {
	v    reflect.Value
	arms reflect.Value // of the chain around it, by experiment
}

func builtBy(l *policy.Live) built {
	pointer := reflect.ValueOf(l).Elem().FieldByName("tree") // an atomic.Pointer
	tree := reflect.NewAt(pointer.Type().Field(0).Type.Elem().Elem(), pointer.FieldByName("v").UnsafePointer())
	return built{v: tree.Elem()}
}

// layerNames are those of the types of layers that this command has other names
// for.
var layerNames = map[string]string{
	"cache.cached": "cache", "middleware.charged": "budget", "middleware.keepWarm": "warm_standby", "router.progressive": "preview",
}

func (b built) walk(depth int, lines *[]string) {
	for b.v.Kind() == reflect.Interface || b.v.Kind() == reflect.Pointer {
		b.v = b.v.Elem()
	}
	at := func(v reflect.Value) built { return built{v, b.arms} }
	line := func(name string) {
		*lines = append(*lines, strings.Repeat("  ", depth)+name)
		depth++
	}
	switch typ := b.v.Type().String(); typ {
	case "tree.Tree":
		if b.v.FieldByName("longest").Int() > 0 {
			line("budget")
		}
		if time.Duration(b.v.FieldByName("total").Int()) > 0 {
			line("timeout")
		}
		at(b.v.FieldByName("root")).walk(depth, lines)
	case "tree.wayBack", "tree.secondPlace": // to what is in its own place already
	case "tree.chain":
		b.arms = b.v.FieldByName("arms")
		at(b.v.FieldByName("fallback")).walk(depth, lines)
	case "tree.arm":
		arms := b.arms.MapIndex(b.v.FieldByName("experiment"))
		at(arms.Index(int(b.v.FieldByName("i").Int()))).walk(depth, lines)
	case "router.ahead": // the same behind each of its fronts
		at(b.v.FieldByName("fronts").Index(0)).walk(depth, lines)
	case "stack.charged": // a budget, and a way past it
		at(b.v.FieldByName("Inner")).walk(depth, lines)
	case "stack.timed":
		for _, limits := range []string{"Unary", "Streamed"} {
			if limits := b.v.FieldByName("own").FieldByName(limits); limits.FieldByName("FirstContent").Int()+limits.FieldByName("Idle").Int()+limits.FieldByName("Total").Int() > 0 {
				line("timeout")
				break
			}
		}
		at(b.v.FieldByName("Inner")).walk(depth, lines)
	case "stream.Source", "degrade.lastResort":
		line(b.v.FieldByName("name").String())
	default:
		if !slices.Contains([]string{"stream.wrapped", "tree.payable", "tree.cascaded", "tree.replacement", "router.step", "router.conditional", "guard.layer", "router.described", "router.behind", "stream.withVariant", "stream.withBoth", "stream.withClient"}, typ) {
			_, name, _ := strings.Cut(typ, ".")
			if other, ok := layerNames[typ]; ok {
				name = other
			}
			line(name)
		}
		for _, inner := range b.within() {
			inner.walk(depth, lines)
		}
	}
}

// within returns the layers right within a layer.
func (b built) within() (all []built) {
	for i := range b.v.NumField() {
		if name := b.v.Type().Field(i).Name; name == "racing" || name == "resorts" {
			continue // parts of what is in another field
		}
		switch f := b.v.Field(i); f.Type().String() {
		case "stream.Layer", "model.LLM":
			all = append(all, built{f, b.arms})
		case "stream.Around":
			all = append(all, built{f.FieldByName("Inner"), b.arms})
		case "[]stream.Layer":
			for j := range f.Len() {
				all = append(all, built{f.Index(j), b.arms})
			}
		case "[]*router.arm":
			for j := range f.Len() {
				all = append(all, built{f.Index(j).Elem().FieldByName("layer"), b.arms})
			}
		}
	}
	return all
}

func parse(t *testing.T, file string) *spec.Policy {
	t.Helper()
	p, err := spec.Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// write returns a file with the given content.
func write(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "fallback.yaml")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
