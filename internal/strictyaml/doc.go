// Package strictyaml reads a YAML file into a Go struct whose tags say what the
// file may hold. The struct is the whole format: the reader, the checks, the JSON
// Schema and the reference in Markdown are all made of its tags and comments.
//
//	type Settings struct {
//		// Longest wait for an answer.
//		Timeout time.Duration `key:"timeout" min:"1ms" max:"1h" default:"10s"`
//		// Servers to try, in this order.
//		Servers []string `key:"servers,required" items:"1..8"`
//	}
//
//	format := strictyaml.New(reflect.TypeFor[Settings](), strictyaml.Kinds{}, sources)
//	var s Settings
//	doc := format.Decode(data, &s) // doc.Problems lists every mistake with line and column
//
// The tags of a field:
//
//	key       its key; ",required" if a section must have it, ",nullable" if null is
//	          allowed and means something else than leaving the key out
//	nulls     on a []string without a key: the nullable keys of the section that are null
//	min, max  the bounds of a value that has an order, written like the value
//	enum      the words allowed, separated by |
//	kind      a kind of text, by its name in [Kinds]; without it, a name
//	items     the length of a list, such as 1..16
//	keys      the kind of a mapping's keys; without it, names
//	default   the value that a section without the key gets, written like the value
//
// Fields without a key tag are not part of the file. A field is a scalar, a
// struct, a pointer to either, a list, or a map from names.
//
// Nothing here knows what a file is about. Scalars with units of their own, such
// as shares or conditions, are handed in as [Kinds]. Checks that look at several
// values belong to the caller, which finds the place of each value in
// [Document.Places] and reports with the same [Problem].
package strictyaml
