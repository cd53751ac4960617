// Package strictyaml reads a YAML file into a Go struct whose tags say what the file may
// contain. The struct is the whole format: reading, checks, the JSON Schema and the
// Markdown reference all follow from its tags and comments.
//
//	type Settings struct {
//		// Longest wait for an answer.
//		Timeout time.Duration `key:"timeout" min:"1ms" max:"1h" default:"10s"`
//		// Servers to try, in this order.
//		Servers []string `key:"servers,required" items:"1..8"`
//	}
//
//	format := strictyaml.New(reflect.TypeFor[Settings](), strictyaml.Kinds{}, nil)
//	var s Settings
//	doc := format.Decode(data, &s) // doc.Problems lists every mistake with line and column
//
// The tags of a field:
//
//	key       its key; ",required" if a section must have it, ",nullable" if null is
//	          allowed and differs from an omitted key, ",short" if its value may stand in
//	          the place of the section
//	nulls     on a []string without a key: the nullable keys of the section that are null
//	min, max  the bounds of an ordered value, written like the value
//	enum      the allowed words, separated by |
//	kind      a kind of text, by its name in [Kinds]; default: a name
//	items     the length of a list, such as 1..16
//	keys      the kind of a mapping's keys; default: names
//	default   the value of an omitted key, written like the value
//
// Fields without a key tag are not part of the file. A field is a scalar, a
// struct, a pointer to either, a list, or a map from names.
//
// The package does not know the meaning of a file. The caller supplies scalars of its own,
// such as shares or conditions, as [Kinds]. It also makes the checks that compare values:
// [Document.Places] has the place of each value, and [Problem] reports a mistake there.
package strictyaml
