package request

import (
	"reflect"
	"sync"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// Clone returns a copy of req that shares nothing a model could change, but
// for what is live or large by nature: req.Tools, functions, and the bytes of
// blobs and signatures.
func Clone(req *model.LLMRequest) *model.LLMRequest {
	if len(req.Contents) == 1 && req.Contents[0] != nil && len(req.Contents[0].Parts) == 1 {
		return cloneOpening(req)
	}
	clone := *req
	clone.Contents = cloneContents(req.Contents)
	clone.Config = deepCopy(req.Config)
	return &clone
}

// cloneOpening is Clone for what opens most sessions, one message of one part:
// one allocation instead of five.
func cloneOpening(req *model.LLMRequest) *model.LLMRequest {
	var memory struct {
		req      model.LLMRequest
		contents [1]*genai.Content
		content  genai.Content
		parts    [1]*genai.Part
		part     genai.Part
	}
	clone := &memory
	clone.req, clone.content = *req, *req.Contents[0]
	clone.req.Contents, clone.contents[0] = clone.contents[:], &clone.content
	clone.content.Parts = clone.parts[:]
	if part := req.Contents[0].Parts[0]; part != nil {
		clone.parts[0] = &clone.part
		clonePart(&clone.part, part)
	}
	clone.req.Config = deepCopy(req.Config)
	return &clone.req
}

// cloneContents copies contents and parts in four allocations, however long
// the history is: most parts are plain text.
func cloneContents(contents []*genai.Content) []*genai.Content {
	if contents == nil {
		return nil
	}
	parts := 0
	for _, content := range contents {
		if content != nil {
			parts += len(content.Parts)
		}
	}
	var (
		contentPointers = make([]*genai.Content, len(contents))
		contentValues   = make([]genai.Content, len(contents))
		partPointers    = make([]*genai.Part, parts)
		partValues      = make([]genai.Part, parts)
	)
	for i, content := range contents {
		if content == nil {
			continue
		}
		contentPointers[i] = &contentValues[i]
		contentValues[i] = *content
		if content.Parts == nil {
			continue
		}
		n := len(content.Parts)
		contentValues[i].Parts = partPointers[:n:n]
		for j, part := range content.Parts {
			if part != nil {
				partPointers[j] = &partValues[j]
				clonePart(&partValues[j], part)
			}
		}
		partPointers, partValues = partPointers[n:], partValues[n:]
	}
	return contentPointers
}

// clonePart copies src to dst, and what src points to when it is more than text.
func clonePart(dst, src *genai.Part) {
	if isPlainText(src) {
		*dst = *src
		return
	}
	*dst = *deepCopy(src)
}

func isPlainText(p *genai.Part) bool {
	return p.MediaResolution == nil && p.CodeExecutionResult == nil && p.ExecutableCode == nil && p.FileData == nil &&
		p.FunctionCall == nil && p.FunctionResponse == nil && p.InlineData == nil && p.VideoMetadata == nil &&
		p.ToolCall == nil && p.ToolResponse == nil && p.PartMetadata == nil && p.AudioTranscription == nil && p.SpeechMetadata == nil
}

// maxDepth bounds deepCopy: what is nested deeper, which only a cycle is, stays
// shared.
const maxDepth = 64

// deepCopy copies v and everything reachable from it through pointers, slices,
// maps and exported fields. It walks types by reflection so that fields that a
// newer genai adds are copied too.
func deepCopy[T any](v *T) *T {
	if v == nil {
		return nil
	}
	clone := *v
	copyInto(reflect.ValueOf(&clone).Elem(), maxDepth)
	return &clone
}

// copyInto replaces the references that v, a settable value, holds by copies.
func copyInto(v reflect.Value, depth int) {
	if depth == 0 {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, i := range referenceFields(v.Type()) {
			copyInto(v.Field(i), depth-1)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			clone := reflect.New(v.Type().Elem())
			clone.Elem().Set(v.Elem())
			copyInto(clone.Elem(), depth-1)
			v.Set(clone)
		}
	case reflect.Slice:
		if v.IsNil() || v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		clone := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(clone, v)
		if isReference(v.Type().Elem().Kind()) {
			for i := range clone.Len() {
				copyInto(clone.Index(i), depth-1)
			}
		}
		v.Set(clone)
	case reflect.Map:
		if !v.IsNil() {
			v.Set(copyMap(v, depth))
		}
	case reflect.Interface:
		// Only JSON's shapes, which tools put into arguments and results with any
		// type of element: another dynamic type may be live.
		if !v.IsNil() && isJSON(v.Elem().Type()) {
			clone := reflect.New(v.Elem().Type()).Elem()
			clone.Set(v.Elem())
			copyInto(clone, depth-1)
			v.Set(clone)
		}
	}
}

// isJSON tells whether t is a list or a map of plain values, or of such lists
// and maps.
func isJSON(t reflect.Type) bool {
	if t.Kind() != reflect.Slice && t.Kind() != reflect.Map {
		return false
	}
	element := t.Elem()
	switch kind := element.Kind(); kind {
	case reflect.Interface, reflect.String:
		return true
	default:
		return kind <= reflect.Float64 || isJSON(element)
	}
}

func copyMap(v reflect.Value, depth int) reflect.Value {
	clone := reflect.MakeMapWithSize(v.Type(), v.Len())
	for entries := v.MapRange(); entries.Next(); {
		value := reflect.New(v.Type().Elem()).Elem()
		value.Set(entries.Value())
		copyInto(value, depth-1)
		clone.SetMapIndex(entries.Key(), value)
	}
	return clone
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
	case reflect.Struct, reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return true
	}
	return false
}
