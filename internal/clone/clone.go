package clone

import (
	"reflect"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// Request returns a copy of req that shares nothing a model could change, with these
// exceptions: req.Tools, functions, the bytes of blobs and signatures, and what a
// field or a map of type any holds besides JSON's shapes and schemas, because it may
// be live. JSON's shapes are lists and maps of plain values, of any Go type.
//
// The cost is linear in the size of req, also if req refers to itself or to one value
// many times: such a request keeps its form. Only what is nested deeper than 10,000
// levels stays shared.
func Request(req *model.LLMRequest) *model.LLMRequest {
	c := copier{left: maxTyped, newer: newer()}
	clone := *req
	clone.Contents = c.contents(req.Contents, maxDepth)
	clone.Config = c.config(req.Config, maxDepth)
	c.also(&clone, c.newer.request, maxDepth)
	if c.over {
		clone = *req
		carefully(&clone)
		clone.Tools = req.Tools
	}
	return &clone
}

// Contents returns a copy of contents as [Request] makes it.
func Contents(contents []*genai.Content) []*genai.Content {
	c := copier{left: maxTyped, newer: newer()}
	clone := c.contents(contents, maxDepth)
	if c.over {
		clone = contents
		carefully(&clone)
	}
	return clone
}

const (
	// maxDepth bounds the nesting of what is copied by typed code: a cycle reaches
	// it at once.
	maxDepth = 64
	// maxTyped bounds the number of maps, lists and schemas that typed code copies: a
	// value that refers to the same part twice on every level doubles with each.
	maxTyped = 100_000
)

// copier is one run of [Request]. It copies what is large or frequent by typed code,
// and the rest by reflection.
type copier struct {
	left  int  // maps, lists and schemas that may still be copied
	over  bool // a bound was reached: the copy is not complete
	newer *newerFields
	seen  map[reference]reflect.Value // of a careful run, nil otherwise

	calls        slab[genai.FunctionCall]
	responses    slab[genai.FunctionResponse]
	schemas      slab[genai.Schema]
	declarations slab[genai.FunctionDeclaration]
	strings      slab[string]
	values       slab[any]
}

// enter reports whether the value at hand may be copied, and counts it.
func (c *copier) enter(depth int) bool {
	if c.seen != nil {
		return depth > 0
	}
	if c.left--; c.left < 0 || depth <= 0 {
		c.over = true
	}
	return !c.over
}

// slab hands out values from few allocations.
type slab[T any] struct {
	free []T
	size int
}

func (s *slab[T]) take(n int) []T {
	if len(s.free) < n {
		s.size = min(2*s.size+1, 64)
		s.free = make([]T, max(n, s.size))
	}
	values := s.free[:n:n]
	s.free = s.free[n:]
	return values
}

func (s *slab[T]) next() *T { return &s.take(1)[0] }

// list returns a copy of src, of which nothing but src's elements is shared.
func (s *slab[T]) list(src []T) []T {
	switch {
	case src == nil:
		return nil
	case len(src) == 0:
		return []T{}
	}
	dst := s.take(len(src))
	copy(dst, src)
	return dst
}

// contents copies contents and parts in four allocations, however long the history
// is: most parts are plain text. The one text that a conversation begins with takes
// one.
func (c *copier) contents(contents []*genai.Content, depth int) []*genai.Content {
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
		contentPointers []*genai.Content
		contentValues   []genai.Content
		partPointers    []*genai.Part
		partValues      []genai.Part
	)
	if len(contents) == 1 && parts == 1 {
		one := new(opening)
		contentPointers, contentValues = one.contentPointers[:], one.contentValues[:]
		partPointers, partValues = one.partPointers[:], one.partValues[:]
	} else {
		contentPointers, contentValues = make([]*genai.Content, len(contents)), make([]genai.Content, len(contents))
		partPointers, partValues = make([]*genai.Part, parts), make([]genai.Part, parts)
	}
	for i, content := range contents {
		if content == nil {
			continue
		}
		contentPointers[i] = &contentValues[i]
		contentValues[i] = *content
		c.also(&contentValues[i], c.newer.content, depth)
		if content.Parts == nil {
			continue
		}
		n := len(content.Parts)
		contentValues[i].Parts = partPointers[:n:n]
		for j, part := range content.Parts {
			if part != nil {
				partPointers[j] = &partValues[j]
				c.part(&partValues[j], part, depth)
			}
		}
		partPointers, partValues = partPointers[n:], partValues[n:]
	}
	return contentPointers
}

// opening is the memory of one content with one part.
type opening struct {
	contentPointers [1]*genai.Content
	contentValues   [1]genai.Content
	partPointers    [1]*genai.Part
	partValues      [1]genai.Part
}

func (c *copier) part(dst, src *genai.Part, depth int) {
	*dst = *src
	if !isTextOrCall(src) {
		c.value(reflect.ValueOf(dst).Elem(), depth)
		return
	}
	dst.FunctionCall = c.call(src.FunctionCall, depth)
	dst.FunctionResponse = c.response(src.FunctionResponse, depth)
	c.also(dst, c.newer.part, depth)
}

func isTextOrCall(p *genai.Part) bool {
	return p.MediaResolution == nil && p.CodeExecutionResult == nil && p.ExecutableCode == nil && p.FileData == nil &&
		p.InlineData == nil && p.VideoMetadata == nil && p.ToolCall == nil && p.ToolResponse == nil &&
		p.PartMetadata == nil && p.AudioTranscription == nil && p.SpeechMetadata == nil
}

func (c *copier) call(src *genai.FunctionCall, depth int) *genai.FunctionCall {
	if src == nil {
		return nil
	}
	dst := c.calls.next()
	*dst = *src
	if src.PartialArgs != nil || src.WillContinue != nil {
		c.value(reflect.ValueOf(dst).Elem(), depth)
		return dst
	}
	dst.Args = c.object(src.Args, depth)
	c.also(dst, c.newer.call, depth)
	return dst
}

func (c *copier) response(src *genai.FunctionResponse, depth int) *genai.FunctionResponse {
	if src == nil {
		return nil
	}
	dst := c.responses.next()
	*dst = *src
	if src.Parts != nil || src.WillContinue != nil {
		c.value(reflect.ValueOf(dst).Elem(), depth)
		return dst
	}
	dst.Response = c.object(src.Response, depth)
	c.also(dst, c.newer.response, depth)
	return dst
}
