package middleware

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/blake2b"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// cacheKey identifies a request: the BLAKE2b-256 of everything its answer depends
// on. No prompt can be read from it. BLAKE2b because the hash is most of what a
// hit costs, and SHA-256 takes two and a half times as long on processors
// without instructions for it.
type cacheKey [blake2b.Size256]byte

// key returns the key of req as asked of a model, whose name is the first part of
// its identity. It reports false for a request that has none: one of a caller who
// shares no answers, with a function in it, or nested without end.
func (c *Cache) key(ctx context.Context, identity []string, req *model.LLMRequest) (key cacheKey, ok bool) {
	defer func() {
		if r := recover(); r != nil { // of Config.Scope, or of a MarshalJSON in the request
			slog.Error("middleware: the key of a request panicked; it is not cached", "model", identity[0], "panic", r)
			ok = false
		}
	}()
	scope := c.config.Scope(ctx)
	if scope == nil {
		return cacheKey{}, false
	}
	d := digests.Get().(*digest)
	defer digests.Put(d)
	d.reset()
	d.texts(scope)
	d.texts(identity)
	if d.value(reflect.ValueOf(req.Contents), maxKeyDepth) != nil || d.value(reflect.ValueOf(req.Config), maxKeyDepth) != nil {
		return cacheKey{}, false
	}
	return d.sum(), true
}

// maxKeyDepth bounds how deep a request may be nested; only a cycle is deeper.
const maxKeyDepth = 64

var errNoKey = errors.New("middleware: the value has no canonical form")

// digest hashes values in a canonical form: every value is written with its
// length or its presence before it, a struct by the numbers of its fields that are
// set, a map in the order of its keys. So two requests have the same hash exactly
// when they are the same, in whatever order their maps were built.
type digest struct {
	hash hash.Hash
	buf  []byte   // what is yet to be hashed
	keys []string // of the maps that are being written, each after those around it
}

var digests = sync.Pool{New: func() any {
	h, _ := blake2b.New256(nil) // fails for no key but one that is too long
	return &digest{hash: h, buf: make([]byte, 0, digestBuffer)}
}}

const digestBuffer = 4096

func (d *digest) reset() {
	d.hash.Reset()
	d.buf = d.buf[:0]
}

func (d *digest) flush() {
	d.hash.Write(d.buf)
	d.buf = d.buf[:0]
}

func (d *digest) sum() (key cacheKey) {
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

func (d *digest) presence(there bool) {
	if there {
		d.number(1)
	} else {
		d.number(0)
	}
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

func (d *digest) value(v reflect.Value, depth int) error {
	if depth == 0 {
		return errNoKey
	}
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
		return d.pointer(v, depth)
	case reflect.Interface:
		return d.dynamic(v, depth)
	case reflect.Slice, reflect.Array:
		return d.list(v, depth)
	case reflect.Map:
		return d.dictionary(v, depth)
	case reflect.Struct:
		return d.structure(v, depth)
	default: // a function or a channel
		return errNoKey
	}
	return nil
}

func (d *digest) pointer(v reflect.Value, depth int) error {
	d.presence(!v.IsNil())
	if v.IsNil() {
		return nil
	}
	return d.value(v.Elem(), depth-1)
}

// dynamic writes the type before the value: 1 and "1" differ.
func (d *digest) dynamic(v reflect.Value, depth int) error {
	d.presence(!v.IsNil())
	if v.IsNil() {
		return nil
	}
	d.text(v.Elem().Type().String())
	return d.value(v.Elem(), depth-1)
}

func (d *digest) list(v reflect.Value, depth int) error {
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		d.bytes(v.Bytes())
		return nil
	}
	d.number(uint64(v.Len()))
	for i := range v.Len() {
		if err := d.value(v.Index(i), depth-1); err != nil {
			return err
		}
	}
	return nil
}

func (d *digest) dictionary(v reflect.Value, depth int) error {
	switch m := v.Interface().(type) { // what requests are full of
	case map[string]*genai.Schema:
		return dictionary(d, m, depth)
	case map[string]any:
		return dictionary(d, m, depth)
	}
	if v.Type().Key().Kind() != reflect.String {
		return errNoKey
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	d.number(uint64(len(keys)))
	for _, key := range keys {
		d.text(key.String())
		if err := d.value(v.MapIndex(key), depth-1); err != nil {
			return err
		}
	}
	return nil
}

// dictionary is the method of this name, without an allocation for each key.
func dictionary[T any](d *digest, m map[string]T, depth int) error {
	from := len(d.keys)
	defer func() {
		clear(d.keys[from:])
		d.keys = d.keys[:from]
	}()
	d.keys = slices.AppendSeq(d.keys, maps.Keys(m))
	keys := d.keys[from:]
	slices.Sort(keys)
	d.number(uint64(len(keys)))
	var value T
	v := reflect.ValueOf(&value).Elem()
	for _, key := range keys {
		d.text(key)
		value = m[key]
		if err := d.value(v, depth-1); err != nil {
			return err
		}
	}
	return nil
}

// structure writes the fields that are set. What is not exported, as in a
// time.Time, is known by its JSON, which is all that a provider is sent of it.
func (d *digest) structure(v reflect.Value, depth int) error {
	shape := shapeOf(v.Type())
	if shape.opaque {
		text, err := json.Marshal(v.Interface())
		if err != nil {
			return fmt.Errorf("%w: %w", errNoKey, err)
		}
		d.bytes(text)
		return nil
	}
	for _, field := range shape.fields {
		value := v.Field(field.index)
		if isUnset(value, field.kind) {
			continue
		}
		d.number(uint64(field.index) + 1)
		if err := d.value(value, depth-1); err != nil {
			return err
		}
	}
	d.number(0) // no field has this number
	return nil
}

// isUnset treats nil and empty alike: providers are sent neither.
func isUnset(v reflect.Value, kind reflect.Kind) bool {
	switch kind {
	case reflect.Pointer, reflect.Interface:
		return v.IsNil()
	case reflect.Slice, reflect.Map, reflect.String:
		return v.Len() == 0
	}
	return v.IsZero()
}

// shape is what a key takes of a struct type.
type shape struct {
	fields []shapeField
	opaque bool // it has fields that cannot be read
}

type shapeField struct {
	index int
	kind  reflect.Kind
}

var shapes sync.Map // reflect.Type → *shape; a cache, as large as there are types in requests

func shapeOf(t reflect.Type) *shape {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape)
	}
	s := &shape{}
	for i := range t.NumField() {
		field := t.Field(i)
		switch {
		case !field.IsExported():
			s.opaque = true
		case t == reflect.TypeFor[genai.Part]() && field.Name == "ThoughtSignature":
			// A provider's note to itself: it differs from session to session for
			// the same conversation.
		default:
			s.fields = append(s.fields, shapeField{i, field.Type.Kind()})
		}
	}
	shapes.Store(t, s)
	return s
}
