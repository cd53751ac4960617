package digest

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"

	"google.golang.org/genai"
)

// maxDepth bounds how deep a request may be nested; only a cycle is deeper.
const maxDepth = 64

var errNoForm = errors.New("digest: the value has no canonical form")

// digest hashes values in a canonical form: every value is written with its
// length or its presence before it, a struct by the numbers of its fields that are
// set, a map in the order of its keys. So two requests have the same hash exactly
// when they are the same, in whatever order their maps were built.
type digest struct {
	hash    hash.Hash
	buf     []byte            // what is yet to be hashed
	keys    []string          // of the maps that are being written, each after those around it
	ids     map[string]uint64 // of calls, each with the number of its first place
	inOrder bool              // responses follow their calls in order, without need of ids
	depth   int               // of the value that is being written
	err     error             // the first one; the sum is then of no use
}

var digests = sync.Pool{New: func() any {
	return &digest{hash: sha256.New(), buf: make([]byte, 0, digestBuffer), ids: map[string]uint64{}}
}}

const digestBuffer = 4096

// release gives d's memory back, without what it points to.
func (d *digest) release() {
	if len(d.ids) > 1024 || cap(d.keys) > 4096 {
		return // a map never shrinks
	}
	d.hash.Reset()
	clear(d.keys[:cap(d.keys)])
	clear(d.ids)
	*d = digest{hash: d.hash, buf: d.buf[:0], keys: d.keys[:0], ids: d.ids}
	digests.Put(d)
}

func (d *digest) flush() {
	d.hash.Write(d.buf)
	d.buf = d.buf[:0]
}

func (d *digest) sum() (key Sum) {
	d.flush()
	d.hash.Sum(key[:0])
	return key
}

func (d *digest) number(n uint64) {
	if len(d.buf)+binary.MaxVarintLen64 > digestBuffer {
		d.flush()
	}
	d.buf = binary.AppendUvarint(d.buf, n) // its own length tells where it ends
}

// presence writes whether there is a value, and returns it.
func (d *digest) presence(there bool) bool {
	if there {
		d.number(1)
	} else {
		d.number(0)
	}
	return there
}

func (d *digest) text(s string) {
	d.number(uint64(len(s)))
	for {
		n := min(len(s), digestBuffer-len(d.buf))
		d.buf = append(d.buf, s[:n]...)
		if s = s[n:]; s == "" {
			return
		}
		d.flush()
	}
}

func (d *digest) texts(texts []string) {
	d.number(uint64(len(texts)))
	for _, text := range texts {
		d.text(text)
	}
}

func (d *digest) bytes(b []byte) {
	d.number(uint64(len(b)))
	d.flush()
	d.hash.Write(b) // may be an image, so it is not copied
}

// id writes the place at which an id was first seen, from 1 on, in its stead.
func (d *digest) id(id string) {
	n, seen := d.ids[id]
	if !seen {
		n = uint64(len(d.ids)) + 1
		d.ids[id] = n
	}
	d.number(n)
}

// enter goes one level deeper. It reports false if nothing more is to be written;
// else leave must follow.
func (d *digest) enter() bool {
	if d.depth == maxDepth {
		d.err = errNoForm
	}
	if d.err != nil {
		return false
	}
	d.depth++
	return true
}

func (d *digest) leave() { d.depth-- }

// value writes any value by reflection.
func (d *digest) value(v reflect.Value) {
	if !d.enter() {
		return
	}
	defer d.leave()
	switch v.Kind() {
	case reflect.String:
		d.text(v.String())
	case reflect.Bool:
		d.presence(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		d.number(uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		d.number(v.Uint())
	case reflect.Float32, reflect.Float64:
		d.number(math.Float64bits(v.Float()))
	case reflect.Pointer:
		if d.presence(!v.IsNil()) {
			d.pointer(v)
		}
	case reflect.Interface:
		d.dynamic(v.Interface())
	case reflect.Slice, reflect.Array:
		d.list(v)
	case reflect.Map:
		d.dictionary(v)
	case reflect.Struct:
		d.structure(v)
	default: // a function or a channel
		d.err = errNoForm
	}
}

func (d *digest) pointer(v reflect.Value) {
	switch p := v.Interface().(type) {
	case *genai.Content:
		d.content(p)
	case *genai.Part:
		d.part(p)
	case *genai.FunctionDeclaration:
		d.declaration(p)
	case *genai.Schema:
		d.schema(p)
	default:
		d.value(v.Elem())
	}
}

// kinds of JSON values. Others are written with the name of their type, so that
// two of different types differ.
const (
	kindNull = iota
	kindOther
	kindText
	kindBool
	kindNumber
	kindObject
	kindList
)

// maxExact bounds the integers of which a float64 holds each.
const maxExact = 1 << 53

// dynamic writes a value of any type, its kind first: 1 and "1" differ. An int is
// the number that it becomes in a session that was stored as JSON.
func (d *digest) dynamic(v any) {
	if !d.enter() {
		return
	}
	defer d.leave()
	switch v := v.(type) {
	case nil:
		d.number(kindNull)
	case string:
		d.number(kindText)
		d.text(v)
	case bool:
		d.number(kindBool)
		d.presence(v)
	case float64:
		d.number(kindNumber)
		d.number(math.Float64bits(v))
	case int:
		if n := int64(v); -maxExact <= n && n <= maxExact {
			d.dynamic(float64(v))
		} else {
			d.other(v)
		}
	case map[string]any:
		d.number(kindObject)
		d.object(v)
	case []any:
		d.number(kindList)
		d.number(uint64(len(v)))
		for _, element := range v {
			d.dynamic(element)
		}
	default:
		d.other(v)
	}
}

func (d *digest) other(v any) {
	value := reflect.ValueOf(v)
	d.number(kindOther)
	d.text(value.Type().String())
	d.value(value)
}

func (d *digest) list(v reflect.Value) {
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		d.bytes(v.Bytes())
		return
	}
	d.number(uint64(v.Len()))
	for i := range v.Len() {
		d.value(v.Index(i))
	}
}

func (d *digest) dictionary(v reflect.Value) {
	switch m := v.Interface().(type) { // what requests are full of
	case map[string]any:
		d.object(m)
		return
	case map[string]*genai.Schema:
		sorted(d, m, func(s *genai.Schema) { d.value(reflect.ValueOf(s)) })
		return
	}
	if v.Type().Key().Kind() != reflect.String {
		d.err = errNoForm
		return
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	d.number(uint64(len(keys)))
	for _, key := range keys {
		d.text(key.String())
		d.value(v.MapIndex(key))
	}
}

func (d *digest) object(m map[string]any) { sorted(d, m, d.dynamic) }

// sorted writes m in the order of its keys, without an allocation for each.
func sorted[T any](d *digest, m map[string]T, write func(T)) {
	from := len(d.keys)
	d.keys = slices.AppendSeq(d.keys, maps.Keys(m))
	keys := d.keys[from:]
	slices.Sort(keys)
	d.number(uint64(len(keys)))
	for _, key := range keys {
		d.text(key)
		write(m[key])
	}
	d.keys = d.keys[:from]
}
