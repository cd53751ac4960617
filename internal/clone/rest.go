package clone

import (
	"maps"
	"reflect"
	"slices"
	"sync"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// value replaces the references that v, a settable value, holds by copies. It walks
// types by reflection, so that fields that a newer genai adds are copied too, and
// leaves what typed code can copy to it.
func (c *copier) value(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		c.fields(v, referenceFields(v.Type()), depth)
	case reflect.Array:
		c.elements(v, depth)
	case reflect.Interface:
		if !v.IsNil() {
			v.Set(reflect.ValueOf(c.inInterface(v.Interface(), depth)))
		}
	case reflect.Pointer, reflect.Slice, reflect.Map:
		if v.IsNil() || c.seen == nil && c.typed(v.Addr().Interface(), depth) {
			return
		}
		c.referred(v, depth)
	}
}

func (c *copier) inInterface(v any, depth int) any {
	if c.seen == nil {
		return c.data(v, depth)
	}
	return c.dynamic(v, depth)
}

// typed copies *at if there is typed code for its type.
func (c *copier) typed(at any, depth int) bool {
	switch at := at.(type) {
	case **genai.Content:
		*at = c.contents([]*genai.Content{*at}, depth)[0]
	case **genai.FunctionCall:
		*at = c.call(*at, depth)
	case **genai.FunctionResponse:
		*at = c.response(*at, depth)
	case *[]*genai.FunctionDeclaration:
		*at = c.declarationList(*at, depth)
	case **genai.Schema:
		*at = c.schema(*at, depth)
	case *map[string]any:
		*at = c.object(*at, depth)
	case *map[string]string:
		*at = maps.Clone(*at)
	case *[]string:
		*at = c.strings.list(*at)
	default:
		return false
	}
	return true
}

// reference is where a pointer, a slice or a map points to.
type reference struct {
	of      reflect.Type // a struct and its first field have the same address
	address uintptr
	len     int
}

// referred replaces v, a pointer, a slice or a map that is not nil, by a copy. A
// careful run copies each reference once.
func (c *copier) referred(v reflect.Value, depth int) {
	at := reference{of: v.Type(), address: v.Pointer()}
	if v.Kind() == reflect.Slice {
		at.len = v.Len()
	}
	if c.seen != nil {
		if clone, ok := c.seen[at]; ok {
			v.Set(clone)
			return
		}
	}
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 || !c.enter(depth) {
		return
	}
	clone := emptyLike(v)
	if c.seen != nil {
		c.seen[at] = clone
	}
	switch v.Kind() {
	case reflect.Pointer:
		clone.Elem().Set(v.Elem())
		c.value(clone.Elem(), depth-1)
	case reflect.Slice:
		reflect.Copy(clone, v)
		c.elements(clone, depth-1)
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(entries.Value())
			c.value(value, depth-1)
			clone.SetMapIndex(entries.Key(), value)
		}
	}
	v.Set(clone)
}

// emptyLike returns what v, a pointer, a slice or a map, is copied to.
func emptyLike(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Slice:
		return reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	case reflect.Map:
		return reflect.MakeMapWithSize(v.Type(), v.Len())
	}
	return reflect.New(v.Type().Elem())
}

func (c *copier) elements(v reflect.Value, depth int) {
	if isReference(v.Type().Elem().Kind()) {
		for i := range v.Len() {
			c.value(v.Index(i), depth)
		}
	}
}

func (c *copier) fields(v reflect.Value, fields []int, depth int) {
	for _, i := range fields {
		c.value(v.Field(i), depth)
	}
}

// maxCareful bounds the nesting that a careful run copies, as encoding/json bounds
// what it reads: without a bound, a long chain could overflow the stack.
const maxCareful = 10_000

// carefully replaces the references that *v holds by copies, each reference once: it
// takes what refers to itself, and what refers to one value many times, in time
// linear in its size. It is slower than typed code on all else.
func carefully[T any](v *T) {
	c := copier{seen: map[reference]reflect.Value{}}
	c.value(reflect.ValueOf(v).Elem(), maxCareful)
}

// newerFields are, of each struct that typed code copies, the indexes of the fields
// that it does not know: a newer genai may have added them.
type newerFields struct{ request, config, content, part, call, response, schema, declaration []int }

var newer = sync.OnceValue(func() *newerFields {
	return &newerFields{
		request: fieldsBut[model.LLMRequest]("Contents", "Config", "Tools"),
		config: fieldsBut[genai.GenerateContentConfig]("HTTPOptions", "SystemInstruction", "Temperature", "TopP", "TopK", "StopSequences", "Logprobs",
			"PresencePenalty", "FrequencyPenalty", "Seed", "ResponseSchema", "ResponseJsonSchema", "RoutingConfig", "ModelSelectionConfig", "SafetySettings",
			"Tools", "ToolConfig", "Labels", "ResponseModalities", "SpeechConfig", "ThinkingConfig", "ImageConfig", "EnableEnhancedCivicAnswers",
			"ModelArmorConfig", "AudioTranscriptionConfig", "ContinuationToken", "AutomaticContinuation", "GenerationOutputConfig", "Store"),
		content: fieldsBut[genai.Content]("Parts"),
		part: fieldsBut[genai.Part]("FunctionCall", "FunctionResponse", "ThoughtSignature", "MediaResolution", "CodeExecutionResult", "ExecutableCode",
			"FileData", "InlineData", "VideoMetadata", "ToolCall", "ToolResponse", "PartMetadata", "AudioTranscription", "SpeechMetadata"),
		call:     fieldsBut[genai.FunctionCall]("Args", "PartialArgs", "WillContinue"),
		response: fieldsBut[genai.FunctionResponse]("Response", "Parts", "WillContinue"),
		schema: fieldsBut[genai.Schema]("AnyOf", "Items", "Properties", "Default", "Example", "Enum", "Required", "PropertyOrdering", "MinItems", "MaxItems",
			"MinLength", "MaxLength", "MinProperties", "MaxProperties", "Minimum", "Maximum", "Nullable"),
		declaration: fieldsBut[genai.FunctionDeclaration]("Parameters", "Response", "ParametersJsonSchema", "ResponseJsonSchema"),
	}
})

// fieldsBut returns the indexes of T's fields that can hold a reference and are not
// among known.
func fieldsBut[T any](known ...string) []int {
	t := reflect.TypeFor[T]()
	return slices.DeleteFunc(slices.Clone(referenceFields(t)), func(i int) bool { return slices.Contains(known, t.Field(i).Name) })
}

// also copies fields of *v, a struct, that typed code does not know.
func (c *copier) also(v any, fields []int, depth int) {
	if len(fields) > 0 {
		c.fields(reflect.ValueOf(v).Elem(), fields, depth)
	}
}

// fieldsOf caches referenceFields per type: a configuration has forty fields,
// of which a request sets a few.
var fieldsOf sync.Map // reflect.Type → []int

// referenceFields returns the indexes of t's exported fields that can hold a
// reference.
func referenceFields(t reflect.Type) []int {
	if cached, ok := fieldsOf.Load(t); ok {
		return cached.([]int)
	}
	var fields []int
	for i := range t.NumField() {
		if field := t.Field(i); field.IsExported() && isReference(field.Type.Kind()) {
			fields = append(fields, i)
		}
	}
	fieldsOf.Store(t, fields)
	return fields
}

func isReference(kind reflect.Kind) bool {
	switch kind {
	case reflect.Struct, reflect.Array, reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return true
	}
	return false
}
