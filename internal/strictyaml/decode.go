package strictyaml

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxValues is the most values of a file, counting those that aliases repeat.
const maxValues = 10_000

// Document is the result of reading a file, beside its values.
type Document struct {
	// Places has the places of the values by path; nil if no file was read.
	Places map[string]Place
	// Problems has every mistake that can be found without comparing values.
	Problems []Problem

	secrets secrets
}

// Decode reads data into v, a pointer to the struct of the format, and sets the defaults in
// the sections that the file has. Values with a mistake are skipped and reported. It does
// not panic, whatever data is.
func (f *Format) Decode(data []byte, v any) Document {
	doc := readDocument(data, f.empty)
	d := &decoder{
		format: f, doc: doc, out: Document{Places: map[string]Place{}, Problems: doc.problems}, merging: map[*yaml.Node]bool{},
		compiled: map[string]compiled{}, sources: map[string]int{},
	}
	if doc.root != nil {
		d.out.secrets = secretsIn(doc.root)
		d.decode(f.root, doc.root, "", reflect.ValueOf(v).Elem())
	}
	return d.out
}

// SetDefaults sets the defaults of a section, a pointer to its struct, as Decode does for
// an empty one.
func (f *Format) SetDefaults(section any) {
	v := reflect.ValueOf(section).Elem()
	d := &decoder{format: f, compiled: map[string]compiled{}, sources: map[string]int{}}
	for _, field := range f.section(v.Type(), "").fields {
		if field.fallback != "" {
			d.setDefault(&field, v.Field(field.index))
		}
	}
}

// decoder reads a document along the shapes of its values, so that it visits only expected
// values, however deep a file is.
type decoder struct {
	format  *Format
	doc     *document
	out     Document
	values  int                 // read so far
	merging map[*yaml.Node]bool // mappings whose merge keys are being followed

	compiled map[string]compiled // by the kind's What and the source
	sources  map[string]int      // bytes compiled, by the kind's What
}

// compiled is the result of compiling a text.
type compiled struct {
	value    any
	mistakes []Mistake
}

func (d *decoder) problem(at Place, path, message string) {
	d.out.Problems = append(d.out.Problems, Problem{
		Line: at.Line, Column: at.Column, Path: d.out.Redact(path), Message: d.out.Redact(message), Severity: SeverityError,
	})
}

// decode reads n into v and reports whether it has shape s.
func (d *decoder) decode(s *shape, n *yaml.Node, path string, v reflect.Value) bool {
	if !d.count(n, path) {
		return false
	}
	n = resolved(n)
	at := Place{n.Line, n.Column}
	if _, known := d.out.Places[path]; !known {
		d.out.Places[path] = at
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	kind := yaml.MappingNode
	switch {
	case s.scalar != nil:
		return d.scalar(s, n, path, v)
	case s.elem != nil && s.keys == nil:
		kind = yaml.SequenceNode
	}
	if short := s.short(); short != nil && n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		d.alone(s.section, short, n, path, v)
		return true
	}
	if n.Kind != kind {
		instead := d.refused(s.place, n, nil)
		if instead == "" {
			instead = s.instead(n)
		}
		d.problem(at, path, mustBe(s.allowed(), n)+instead)
		return false
	}
	switch {
	case s.section != nil:
		d.section(s, n, path, v)
	case s.keys != nil:
		d.mapping(s, n, path, v)
	default:
		d.list(s, n, path, v)
	}
	return true
}

// mustBe returns the message for a value n that is not allowed.
func mustBe(allowed string, n *yaml.Node) string {
	return "must be " + allowed + ", not " + describe(n)
}

// count reports whether another value may be read.
func (d *decoder) count(n *yaml.Node, path string) bool {
	d.values++
	if d.values == maxValues+1 {
		d.problem(Place{n.Line, n.Column}, path, fmt.Sprintf("file has more than %d values, counting those that aliases repeat", maxValues))
	}
	return d.values <= maxValues
}

func (d *decoder) scalar(shape *shape, n *yaml.Node, path string, v reflect.Value) bool {
	at, s := Place{n.Line, n.Column}, shape.scalar
	if n.Kind != yaml.ScalarNode {
		d.problem(at, path, mustBe(s.Allowed, n)+d.refused(shape.place, n, nil))
		return false
	}
	if d.doc.tagged(n) {
		d.problem(at, path, "text that begins with ! must be in quotes: YAML takes it for a tag")
		return false
	}
	if s.Compile != nil {
		return d.compile(s, n, path, v)
	}
	value, ok := s.Read(valueOf(n))
	if !ok {
		message := mustBe(s.Allowed, n) + d.refused(shape.place, n, s.choices)
		if s.Secret && n.Tag == "!!str" {
			message = "must be " + s.Allowed + "; the value is not shown, because it may be a key"
		}
		d.problem(at, path, message)
		return false
	}
	v.Set(reflect.ValueOf(value).Convert(v.Type()))
	return true
}

// compile compiles n, and reports each mistake at its place in the file.
func (d *decoder) compile(s *Scalar, n *yaml.Node, path string, v reflect.Value) bool {
	if n.Tag != "!!str" && n.Tag != "!!bool" || n.Value == "" {
		d.problem(Place{n.Line, n.Column}, path, mustBe(s.Allowed, n))
		return false
	}
	source := n.Value
	if n.Tag == "!!bool" {
		source = strings.ToLower(source) // True is true
	}
	c := d.once(s, source, n, path)
	for i, at := range d.doc.locate(n, c.mistakes) {
		d.problem(at, path, c.mistakes[i].Message)
	}
	if c.value != nil {
		v.Set(reflect.ValueOf(c.value))
	}
	return len(c.mistakes) == 0
}

// once compiles each distinct text once. It compiles no more when the limit of all texts is
// exceeded or enough problems are found.
func (d *decoder) once(s *Scalar, source string, n *yaml.Node, path string) compiled {
	key := s.What + "\x00" + source
	c, again := d.compiled[key]
	if again || len(d.out.Problems) >= MaxProblems || d.sources[s.What] > s.MaxSources {
		return c
	}
	if len(source) <= s.MaxSource {
		d.sources[s.What] += len(source)
	}
	if d.sources[s.What] > s.MaxSources {
		d.problem(Place{n.Line, n.Column}, path, fmt.Sprintf("%s have more than %d bytes in all; equal ones count once", s.What, s.MaxSources))
		return compiled{}
	}
	c.value, c.mistakes = s.Compile(source)
	d.compiled[key] = c
	return c
}

func (d *decoder) list(s *shape, n *yaml.Node, path string, v reflect.Value) {
	if len(n.Content) < s.min || len(n.Content) > s.max {
		d.problem(Place{n.Line, n.Column}, path, fmt.Sprintf("must be %s; this list has %d", s.allowed(), len(n.Content)))
	}
	items := n.Content[:min(len(n.Content), s.max)]
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		d.decode(s.elem, item, At(path, i), v.Index(i))
	}
}

func (d *decoder) mapping(s *shape, n *yaml.Node, path string, v reflect.Value) {
	pairs := d.pairs(n, path)
	if len(pairs) > s.max {
		d.problem(Place{n.Line, n.Column}, path, fmt.Sprintf("must be %s; this one has %d keys", s.allowed(), len(pairs)))
		pairs = pairs[:s.max]
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(pairs)))
	for _, p := range pairs {
		// Keys are text, as in JSON: 4711 and true are names.
		name := Value{Tag: "!!str", Text: p.key.Value}
		if _, ok := s.keys.Read(name); !ok {
			d.problem(Place{p.key.Line, p.key.Column}, path, "key "+Quoted(p.key.Value)+" must be "+s.keys.Allowed)
			continue
		}
		at := At(path, p.key.Value)
		d.placeOf(s.elem, at, p)
		value := reflect.New(v.Type().Elem()).Elem()
		if d.decode(s.elem, p.value, at, value) {
			v.SetMapIndex(reflect.ValueOf(p.key.Value), value)
		}
	}
}

func (d *decoder) section(shape *shape, n *yaml.Node, path string, v reflect.Value) {
	s, given := shape.section, make(map[string]bool)
	for _, p := range d.pairs(n, path) {
		f, known := s.field(p.key.Value)
		if !known {
			d.problem(Place{p.key.Line, p.key.Column}, path, d.unknownKey(shape, p))
			continue
		}
		given[f.key] = true
		at := At(path, f.key)
		d.placeOf(f.shape, at, p)
		if null := resolved(p.value); f.nullable && null.Tag == "!!null" && null.Value != "" { // an empty value is more often a mistake
			nulls := v.Field(s.nulls)
			nulls.Set(reflect.Append(nulls, reflect.ValueOf(f.key)))
			continue
		}
		d.decode(f.shape, p.value, at, v.Field(f.index))
	}
	d.omitted(s, given, n, path, v)
}

// alone reads n as a section that has the key of f only.
func (d *decoder) alone(s *section, f *field, n *yaml.Node, path string, v reflect.Value) {
	d.decode(f.shape, n, At(path, f.key), v.Field(f.index))
	d.omitted(s, map[string]bool{f.key: true}, n, path, v)
}

// omitted sets the defaults of the keys that a section n does not have, and reports those
// that it must have.
func (d *decoder) omitted(s *section, given map[string]bool, n *yaml.Node, path string, v reflect.Value) {
	for i := range s.fields {
		f := &s.fields[i]
		switch {
		case given[f.key]:
		case f.required:
			d.problem(Place{n.Line, n.Column}, path, "missing key "+f.key+"; it must be "+f.shape.allowed())
		case f.fallback != "":
			d.setDefault(f, v.Field(f.index))
		}
	}
}

// setDefault sets a field to the default in its tag.
func (d *decoder) setDefault(f *field, v reflect.Value) {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: f.fallback}
	switch {
	case v.Kind() == reflect.Bool:
		n.Tag = "!!bool"
	case v.Kind() == reflect.Int:
		n.Tag = "!!int"
	case v.Type() == reflect.TypeFor[float64](): // not a share, which is text
		n.Tag = "!!float"
	}
	d.scalar(f.shape, n, f.key, v)
}

// placeOf records the place of a value that is not a scalar: that of its key.
func (d *decoder) placeOf(s *shape, path string, p pair) {
	if s.scalar == nil {
		d.out.Places[path] = Place{p.key.Line, p.key.Column}
	}
}
