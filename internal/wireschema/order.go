package wireschema

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/adk-fallback/adk-fallback/internal/plainjson"
)

// Order is how a schema orders the properties of its objects. Models answer in that order
// ("outputs will be produced in the same order as the ordering of keys in the schema",
// https://developers.openai.com/api/docs/guides/structured-outputs), so an answer that
// follows its reasons must stay behind them. A map has no order, so [Ordered] returns it
// beside the schema. The zero value orders by name.
type Order struct{ lists [][]string }

// Ordered is [JSON] and returns the order of the properties, too: that of propertyOrdering in
// a genai.Schema or a map, of PropertyOrder in a jsonschema.Schema, and of the text in a
// json.RawMessage.
func Ordered(schema any) (map[string]any, Order, error) {
	w := &schemaWriter{}
	converted, err := w.root(schema)
	return converted, w.order, err
}

// Marshal returns a schema as JSON, its properties in the order. The schema may be another
// form of the one that the order is of.
func (o Order) Marshal(schema map[string]any) (json.RawMessage, error) {
	if len(o.lists) == 0 {
		return plainjson.Marshal(schema)
	}
	return o.append(nil, schema)
}

// Keep returns schema with the order in it, as propertyOrdering, for another [Ordered].
// Schemas that change are copied.
func (o Order) Keep(schema map[string]any) map[string]any {
	if len(o.lists) == 0 {
		return schema
	}
	kept, _ := o.keep(schema).(map[string]any)
	return kept
}

func (o Order) keep(v any) any {
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

// add notes the order of the properties of one object.
func (o *Order) add(names []string) {
	if !slices.IsSorted(names) {
		o.lists = append(o.lists, names)
	}
}

// addFirst is add for an order that is stated and not only that of a text.
func (o *Order) addFirst(v any) {
	if names, ok := toStrings(v); ok && len(names) > 0 {
		o.lists = slices.Insert(o.lists, 0, names)
	}
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
				o.add(within)
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

// append appends a schema, or a value within.
func (o Order) append(b []byte, v any) (_ []byte, err error) {
	switch v := v.(type) {
	case []any:
		b = append(b, '[')
		for i, value := range v {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = o.append(b, value); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case map[string]any:
		return o.object(b, v, slices.Sorted(maps.Keys(v)))
	}
	data, err := plainjson.Marshal(v)
	return append(b, data...), err
}

// object appends an object with its keys in the given order.
func (o Order) object(b []byte, v map[string]any, keys []string) (_ []byte, err error) {
	b = append(b, '{')
	for i, key := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := plainjson.Marshal(key)
		if err != nil {
			return nil, err
		}
		b = append(append(b, name...), ':')
		if properties, ok := v[key].(map[string]any); ok && key == "properties" {
			b, err = o.object(b, properties, o.sorted(properties))
		} else {
			b, err = o.append(b, v[key])
		}
		if err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// sorted returns the names of properties in the order that has most of them. Those that it
// has not come last.
func (o Order) sorted(properties map[string]any) []string {
	var best map[string]int
	most := 0
	for _, list := range o.lists {
		places, has := make(map[string]int, len(list)), 0
		for i, name := range list {
			places[name] = i
			if _, ok := properties[name]; ok {
				has++
			}
		}
		if has > most {
			best, most = places, has
		}
	}
	names := slices.Sorted(maps.Keys(properties))
	place := func(name string) int {
		if i, ok := best[name]; ok {
			return i
		}
		return len(best)
	}
	slices.SortStableFunc(names, func(a, b string) int { return place(a) - place(b) })
	return names
}
