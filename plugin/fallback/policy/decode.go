package policy

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/adk-fallback/adk-fallback/internal/condition"
)

// maxValues bounds what aliases can blow a file up to.
const maxValues = 10_000

// decoder reads a document into a Policy, value by value along their shapes, so
// that only what is expected is ever looked at, however deep a file goes.
type decoder struct {
	doc     *document
	policy  *Policy
	values  int                 // read so far
	merging map[*yaml.Node]bool // what a merge key is being followed to

	conditions map[string]parsed // those read so far
	source     int               // their length in bytes
}

// parsed is what has come of a condition.
type parsed struct {
	condition Condition
	mistakes  condition.Errors
}

// decode returns the policy in doc, as far as it can be read, with all problems
// that can be told without looking at other values.
func decode(doc *document) *Policy {
	d := &decoder{doc: doc, policy: &Policy{places: map[string]place{}, problems: doc.problems}, merging: map[*yaml.Node]bool{}, conditions: map[string]parsed{}}
	if doc.root != nil {
		d.decode(policyShape(), doc.root, "", reflect.ValueOf(d.policy).Elem())
	}
	return d.policy
}

func (d *decoder) problem(at place, path, found, allowed string) {
	d.policy.problems = append(d.policy.problems, Problem{
		Line: at.line, Column: at.column, Path: path, Found: found, Allowed: allowed, Severity: SeverityError,
	})
}

// decode reads n into v and reports whether it is of shape s.
func (d *decoder) decode(s *shape, n *yaml.Node, path string, v reflect.Value) bool {
	if !d.count(n, path) {
		return false
	}
	n = resolved(n)
	at := place{n.Line, n.Column}
	if _, known := d.policy.places[path]; !known {
		d.policy.places[path] = at
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	kind := yaml.MappingNode
	switch {
	case s.scalar != nil:
		return d.scalar(s.scalar, n, path, v)
	case s.elem != nil && s.keys == nil:
		kind = yaml.SequenceNode
	}
	if n.Kind != kind {
		d.problem(at, path, describe(n), s.allowed())
		return false
	}
	switch {
	case s.section != nil:
		d.section(s.section, n, path, v)
	case s.keys != nil:
		d.mapping(s, n, path, v)
	default:
		d.list(s, n, path, v)
	}
	return true
}

// count reports whether another value may be read.
func (d *decoder) count(n *yaml.Node, path string) bool {
	d.values++
	if d.values == maxValues+1 {
		d.problem(place{n.Line, n.Column}, path, "too many values, with those that aliases repeat", fmt.Sprintf("at most %d", maxValues))
	}
	return d.values <= maxValues
}

func (d *decoder) scalar(s *scalar, n *yaml.Node, path string, v reflect.Value) bool {
	at := place{n.Line, n.Column}
	if n.Kind != yaml.ScalarNode {
		d.problem(at, path, describe(n), s.allowed)
		return false
	}
	if s.read == nil {
		return d.condition(s, n, path, v)
	}
	value, ok := s.read(n)
	if !ok {
		found := describe(n)
		if s.secret && n.Tag == "!!str" {
			found = "something else, which is not shown here, as it may hold a secret"
		}
		d.problem(at, path, found, s.allowed)
		return false
	}
	v.Set(reflect.ValueOf(value).Convert(v.Type()))
	return true
}

// condition compiles n, and puts the place of each mistake into the file.
func (d *decoder) condition(s *scalar, n *yaml.Node, path string, v reflect.Value) bool {
	if n.Tag != "!!str" && n.Tag != "!!bool" || n.Value == "" {
		d.problem(place{n.Line, n.Column}, path, describe(n), s.allowed)
		return false
	}
	source := n.Value
	if n.Tag == "!!bool" {
		source = strings.ToLower(source) // True is true
	}
	compiled := d.compile(source, n, path)
	for i, at := range d.doc.locate(n, compiled.mistakes) {
		d.problem(at, path, compiled.mistakes[i].Found, compiled.mistakes[i].Allowed)
	}
	v.Set(reflect.ValueOf(compiled.condition))
	return len(compiled.mistakes) == 0
}

// compile compiles a condition once, wherever it stands, as far as the bound of
// all conditions and what has been found already leave it a point.
func (d *decoder) compile(source string, n *yaml.Node, path string) parsed {
	compiled, again := d.conditions[source]
	if again || len(d.policy.problems) >= maxProblems || d.source > maxConditions {
		return compiled
	}
	if len(source) <= condition.MaxSource {
		d.source += len(source)
	}
	if d.source > maxConditions {
		d.problem(place{n.Line, n.Column}, path, fmt.Sprintf("more than %d bytes of conditions, with those before", maxConditions),
			fmt.Sprintf("conditions of at most %d bytes in all, equal ones counted once", maxConditions))
		return parsed{}
	}
	compiled.condition, compiled.mistakes = compileCondition(source)
	d.conditions[source] = compiled
	return compiled
}

func (d *decoder) list(s *shape, n *yaml.Node, path string, v reflect.Value) {
	if len(n.Content) < s.min || len(n.Content) > s.max {
		d.problem(place{n.Line, n.Column}, path, fmt.Sprintf("a list of %d", len(n.Content)), s.allowed())
	}
	items := n.Content[:min(len(n.Content), s.max)]
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		d.decode(s.elem, item, index(path, i), v.Index(i))
	}
}

func (d *decoder) mapping(s *shape, n *yaml.Node, path string, v reflect.Value) {
	pairs := d.pairs(n, path)
	if len(pairs) > s.max {
		d.problem(place{n.Line, n.Column}, path, fmt.Sprintf("a mapping with %d keys", len(pairs)), s.allowed())
		pairs = pairs[:s.max]
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(pairs)))
	for _, p := range pairs {
		// Keys are text, as in JSON: 4711 and true are names, too.
		name := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: p.key.Value}
		if _, ok := s.keys.read(&name); !ok {
			d.problem(place{p.key.Line, p.key.Column}, path, "the key "+quoted(p.key.Value), s.keys.allowed)
			continue
		}
		at := join(path, p.key.Value)
		d.placeOf(s.elem, at, p)
		value := reflect.New(v.Type().Elem()).Elem()
		if d.decode(s.elem, p.value, at, value) {
			v.SetMapIndex(reflect.ValueOf(p.key.Value), value)
		}
	}
}

func (d *decoder) section(s *section, n *yaml.Node, path string, v reflect.Value) {
	given := make(map[string]bool)
	for _, p := range d.pairs(n, path) {
		f, known := s.field(p.key.Value)
		if !known {
			found := "the unknown key " + quoted(p.key.Value)
			if len(d.policy.problems) < maxProblems {
				found += didYouMean(p.key.Value, s.keys)
			}
			d.problem(place{p.key.Line, p.key.Column}, path, found, s.allowed)
			continue
		}
		given[f.key] = true
		at := join(path, f.key)
		d.placeOf(f.shape, at, p)
		d.decode(f.shape, p.value, at, v.Field(f.index))
	}
	for i := range s.fields {
		f := &s.fields[i]
		switch {
		case given[f.key]:
		case f.required:
			d.problem(place{n.Line, n.Column}, path, "no key "+f.key, f.key+", which is "+f.shape.allowed())
		case f.fallback != "":
			d.setDefault(f, v.Field(f.index))
		}
	}
}

// setDefault gives a field the value that its tag says.
func (d *decoder) setDefault(f *field, v reflect.Value) {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: f.fallback}
	switch v.Kind() {
	case reflect.Bool:
		n.Tag = "!!bool"
	case reflect.Int:
		n.Tag = "!!int"
	}
	d.scalar(f.shape.scalar, n, f.key, v)
}

// placeOf notes the place of a value by its key, unless it is a scalar.
func (d *decoder) placeOf(s *shape, path string, p pair) {
	if s.scalar == nil {
		d.policy.places[path] = place{p.key.Line, p.key.Column}
	}
}
