package wireschema

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/adk-fallback/adk-fallback/internal/plainjson"
)

// Order is how a schema orders the properties of its objects. Models answer in that order
// ("outputs will be produced in the same order as the ordering of keys in the schema",
// https://developers.openai.com/api/docs/guides/structured-outputs), so an answer that
// follows its reasons must stay behind them. A map has no order, so [Ordered] returns it
// beside the schema. The zero value orders by name.
type Order struct {
	// The orders of objects, by the names of their properties as setOf writes them. Those that
	// the schema states count before those of its text.
	stated, written map[string][]string

	odd    bool           // one of them is not by name
	places map[string]int // see place
}

// Ordered is [JSON] and returns the order of the properties, too: that of propertyOrdering in
// a genai.Schema or a map, of PropertyOrder in a jsonschema.Schema, and of the text in a
// json.RawMessage.
func Ordered(schema any) (map[string]any, Order, error) {
	w := &schemaWriter{}
	converted, err := w.root(schema)
	return converted, w.order, err
}

// Marshal returns a schema as JSON, its properties in the order. The schema may be another
// form of the one that the order is of. It takes linear time.
func (o Order) Marshal(schema map[string]any) (json.RawMessage, error) {
	if !o.odd {
		return plainjson.Marshal(schema)
	}
	var w orderedWriter
	w.order, w.values = o, json.NewEncoder(&w.Buffer)
	w.values.SetEscapeHTML(false)
	if err := w.write(schema); err != nil {
		return nil, err
	}
	return w.Bytes(), nil
}

// Keep returns schema with the order in it, as propertyOrdering, for another [Ordered].
// Schemas that change are copied.
func (o Order) Keep(schema map[string]any) map[string]any {
	if !o.odd {
		return schema
	}
	kept, _ := o.keep(schema).(map[string]any)
	return kept
}

func (o *Order) keep(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = o.keep(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v)+1)
		for key, value := range v {
			out[key] = o.keep(value)
		}
		if properties, ok := v["properties"].(map[string]any); ok && len(properties) > 1 {
			out["propertyOrdering"] = toList(o.sorted(properties))
		}
		return out
	}
	return v
}

// state notes an order that an object states.
func (o *Order) state(names []string) { o.note(&o.stated, names) }

// note notes the order of an object. Of two orders of the same names, which a map may yield in any
// sequence, the first by name counts.
func (o *Order) note(orders *map[string][]string, names []string) {
	if len(names) < 2 {
		return
	}
	o.odd = o.odd || !slices.IsSorted(names)
	set := setOf(names)
	if earlier, ok := (*orders)[set]; ok && slices.Compare(earlier, names) <= 0 {
		return
	}
	if *orders == nil {
		*orders = map[string][]string{}
	}
	(*orders)[set] = names
}

// setOf writes names, in whatever order they are, as one text.
func setOf(names []string) string {
	var set []byte
	for _, name := range slices.Sorted(slices.Values(names)) {
		set = strconv.AppendQuote(slices.Grow(set, len(name)+2), name) // AppendQuote alone would copy all of set for each name
	}
	return string(set)
}

// read notes the orders in the text of a schema, which is valid JSON. It returns the keys of
// an object.
func (o *Order) read(d *json.Decoder) (keys []string) {
	switch start, _ := d.Token(); start {
	case json.Delim('{'):
		for d.More() {
			token, _ := d.Token()
			key, _ := token.(string)
			keys = append(keys, key)
			if within := o.read(d); key == "properties" {
				o.note(&o.written, within)
			}
		}
	case json.Delim('['):
		for d.More() {
			o.read(d)
		}
	default:
		return nil
	}
	_, _ = d.Token() // the end
	return keys
}

// sorted returns the names of properties in the order of their object. An object that another form
// of the schema has put together has those names first that have a place in any order.
func (o *Order) sorted(properties map[string]any) []string {
	names := slices.Sorted(maps.Keys(properties))
	set := setOf(names)
	for _, orders := range []map[string][]string{o.stated, o.written} {
		if own, ok := orders[set]; ok {
			return own
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return o.place(a) - o.place(b) })
	return names
}

// place returns the place of a name among those of all orders.
func (o *Order) place(name string) int {
	if o.places == nil {
		o.places = map[string]int{}
		for _, orders := range []map[string][]string{o.stated, o.written} {
			for _, set := range slices.Sorted(maps.Keys(orders)) {
				for _, name := range orders[set] {
					if _, ok := o.places[name]; !ok {
						o.places[name] = len(o.places)
					}
				}
			}
		}
	}
	if place, ok := o.places[name]; ok {
		return place
	}
	return len(o.places)
}

// orderedWriter writes a schema in an order.
type orderedWriter struct {
	bytes.Buffer
	order  Order
	values *json.Encoder // of the same buffer
}

// write writes a schema, or a value within.
func (w *orderedWriter) write(v any) error {
	switch v := v.(type) {
	case []any:
		w.WriteByte('[')
		for i, value := range v {
			if i > 0 {
				w.WriteByte(',')
			}
			if err := w.write(value); err != nil {
				return err
			}
		}
		w.WriteByte(']')
		return nil
	case map[string]any:
		return w.object(v, slices.Sorted(maps.Keys(v)))
	}
	return w.value(v)
}

// object writes an object with its keys in the given order.
func (w *orderedWriter) object(v map[string]any, keys []string) error {
	w.WriteByte('{')
	for i, key := range keys {
		if i > 0 {
			w.WriteByte(',')
		}
		if err := w.value(key); err != nil {
			return err
		}
		w.WriteByte(':')
		var err error
		if properties, ok := v[key].(map[string]any); ok && key == "properties" {
			err = w.object(properties, w.order.sorted(properties))
		} else {
			err = w.write(v[key])
		}
		if err != nil {
			return err
		}
	}
	w.WriteByte('}')
	return nil
}

// value writes a value that holds no others.
func (w *orderedWriter) value(v any) error {
	if err := w.values.Encode(v); err != nil {
		return err
	}
	w.Truncate(w.Len() - 1) // the newline
	return nil
}
