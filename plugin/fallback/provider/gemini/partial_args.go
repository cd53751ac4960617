package gemini

import (
	"strconv"
	"strings"
)

// Bounds of arguments in pieces. A path beyond them makes the call malformed.
const (
	maxPathDepth = 64
	maxGap       = 64 // elements of a list that no piece has named, such as empty objects
)

// arguments puts the arguments of a call together from pieces, each a value at a
// path such as $.rows[0].name. A string may come in several. The zero value is an
// empty object.
type arguments struct {
	root map[string]any

	path string          // of the string that is being built
	text strings.Builder // that string
	open bool
}

// add takes a piece in. It reports false for one that cannot be used.
func (a *arguments) add(p *partialArg) bool {
	isString := p.NumberValue == nil && p.BoolValue == nil && p.NullValue == nil
	if isString && a.open && p.JSONPath == a.path {
		if p.StringValue != nil {
			a.text.WriteString(*p.StringValue)
		}
		return true
	}
	if !a.flush() {
		return false
	}
	switch {
	case p.JSONPath == "" || p.JSONPath == "$":
		return p.StringValue == nil && isString // a mark without a value
	case p.NumberValue != nil:
		return a.set(p.JSONPath, *p.NumberValue)
	case p.BoolValue != nil:
		return a.set(p.JSONPath, *p.BoolValue)
	case p.NullValue != nil:
		return a.set(p.JSONPath, nil)
	}
	a.path, a.open = p.JSONPath, true
	if p.StringValue != nil {
		a.text.WriteString(*p.StringValue)
	}
	return true
}

// flush stores the string that is being built.
func (a *arguments) flush() bool {
	if !a.open {
		return true
	}
	text := a.text.String()
	a.text.Reset()
	a.open = false
	return a.set(a.path, text)
}

// object returns the arguments.
func (a *arguments) object() (map[string]any, bool) {
	if !a.flush() {
		return nil, false
	}
	if a.root == nil {
		return map[string]any{}, true
	}
	return a.root, true
}

// set stores value at path. A string goes on with one that is there.
func (a *arguments) set(path string, value any) bool {
	steps, ok := parsePath(path)
	if !ok {
		return false
	}
	if _, ok := steps[0].(string); !ok {
		return false
	}
	if a.root == nil {
		a.root = map[string]any{}
	}
	_, ok = put(a.root, steps, value)
	return ok
}

// put stores value below node and returns what node has become: a list grows.
func put(node any, steps []any, value any) (any, bool) {
	if len(steps) == 0 {
		if more, ok := value.(string); ok {
			if begun, ok := node.(string); ok {
				return begun + more, true
			}
		}
		return value, true
	}
	var ok bool
	switch step := steps[0].(type) {
	case string:
		object, isObject := node.(map[string]any)
		if node == nil {
			object = map[string]any{}
		} else if !isObject {
			return nil, false
		}
		object[step], ok = put(object[step], steps[1:], value)
		return object, ok
	case int:
		list, isList := node.([]any)
		if node != nil && !isList || step > len(list)+maxGap {
			return nil, false
		}
		for len(list) <= step {
			list = append(list, nil)
		}
		list[step], ok = put(list[step], steps[1:], value)
		return list, ok
	}
	return nil, false
}

// parsePath returns the steps of a path: names as strings, indexes as ints. It
// reads what the API sends of RFC 9535: $.a.b[0], $['a b'][1], with or without $.
func parsePath(path string) ([]any, bool) {
	rest := strings.TrimPrefix(path, "$")
	var steps []any
	for rest != "" {
		var step any
		var ok bool
		switch {
		case strings.HasPrefix(rest, "['") || strings.HasPrefix(rest, `["`):
			step, rest, ok = quotedStep(rest)
		case rest[0] == '[':
			var digits string
			digits, rest, ok = strings.Cut(rest[1:], "]")
			n, err := strconv.Atoi(digits)
			step, ok = n, ok && err == nil && n >= 0
		default:
			rest = strings.TrimPrefix(rest, ".")
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			step, ok = rest[:end], end > 0
			rest = rest[end:]
		}
		if !ok || len(steps) == maxPathDepth {
			return nil, false
		}
		steps = append(steps, step)
	}
	return steps, len(steps) > 0
}

// quotedStep reads ['name'] and what follows it.
func quotedStep(path string) (name, rest string, ok bool) {
	quote := path[1]
	var b strings.Builder
	for i := 2; i < len(path); i++ {
		switch c := path[i]; {
		case c == '\\' && i+1 < len(path):
			i++
			b.WriteByte(path[i])
		case c == quote:
			return b.String(), strings.TrimPrefix(path[i+1:], "]"), strings.HasPrefix(path[i+1:], "]")
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}
