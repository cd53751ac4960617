package digest

import (
	"reflect"

	"google.golang.org/genai"
)

// The types that a request has many of are written here without reflection. A
// field that a later genai adds to them must be added here;
// TestCacheKeyHasEveryField tells.

func (d *digest) content(c *genai.Content) {
	d.text(c.Role)
	d.number(uint64(len(c.Parts)))
	for _, part := range c.Parts {
		if d.presence(part != nil) {
			d.part(part)
		}
	}
}

func (d *digest) part(p *genai.Part) {
	d.textField(1, p.Text)
	d.textField(2, string(p.MediaProcessing))
	if p.Thought {
		d.number(3)
	}
	if p.FunctionCall != nil {
		d.number(4)
		d.call(p.FunctionCall)
	}
	if p.FunctionResponse != nil {
		d.number(5)
		d.response(p.FunctionResponse)
	}
	pointerField(d, 6, p.InlineData)
	pointerField(d, 7, p.FileData)
	pointerField(d, 8, p.VideoMetadata)
	pointerField(d, 9, p.MediaResolution)
	pointerField(d, 10, p.ExecutableCode)
	pointerField(d, 11, p.CodeExecutionResult)
	pointerField(d, 12, p.ToolCall)
	pointerField(d, 13, p.ToolResponse)
	pointerField(d, 14, p.AudioTranscription)
	pointerField(d, 15, p.SpeechMetadata)
	d.number(0)
}

func (d *digest) call(c *genai.FunctionCall) {
	d.pairField(1, c.ID)
	d.textField(2, c.Name)
	d.objectField(3, c.Args)
	listField(d, 4, c.PartialArgs)
	pointerField(d, 5, c.WillContinue)
	d.number(0)
}

func (d *digest) response(r *genai.FunctionResponse) {
	d.pairField(1, r.ID)
	d.textField(2, r.Name)
	d.objectField(3, r.Response)
	listField(d, 4, r.Parts)
	pointerField(d, 5, r.WillContinue)
	d.textField(6, string(r.Scheduling))
	d.number(0)
}

func (d *digest) declaration(f *genai.FunctionDeclaration) {
	d.textField(1, f.Name)
	d.textField(2, f.Description)
	pointerField(d, 3, f.Parameters)
	d.anyField(4, f.ParametersJsonSchema)
	pointerField(d, 5, f.Response)
	d.anyField(6, f.ResponseJsonSchema)
	d.textField(7, string(f.Behavior))
	d.number(0)
}

func (d *digest) schema(s *genai.Schema) {
	d.textField(1, string(s.Type))
	d.textField(2, s.Title)
	d.textField(3, s.Description)
	d.textField(4, s.Format)
	d.textField(5, s.Pattern)
	if len(s.Properties) > 0 {
		d.number(6)
		d.value(reflect.ValueOf(s.Properties))
	}
	d.textsField(7, s.Required)
	d.textsField(8, s.PropertyOrdering)
	d.textsField(9, s.Enum)
	pointerField(d, 10, s.Items)
	listField(d, 11, s.AnyOf)
	d.anyField(12, s.Default)
	d.anyField(13, s.Example)
	pointerField(d, 14, s.Nullable)
	pointerField(d, 15, s.Minimum)
	pointerField(d, 16, s.Maximum)
	pointerField(d, 17, s.MinItems)
	pointerField(d, 18, s.MaxItems)
	pointerField(d, 19, s.MinLength)
	pointerField(d, 20, s.MaxLength)
	pointerField(d, 21, s.MinProperties)
	pointerField(d, 22, s.MaxProperties)
	d.number(0)
}

// A field is written if it is set: its number, then its value. No field has the
// number 0, which ends a struct.

func (d *digest) textField(number uint64, text string) {
	if text != "" {
		d.number(number)
		d.text(text)
	}
}

func (d *digest) objectField(number uint64, m map[string]any) {
	if len(m) > 0 {
		d.number(number)
		d.object(m)
	}
}

// pairField writes the id of a function's call or response.
func (d *digest) pairField(number uint64, id string) {
	if id != "" && !d.inOrder {
		d.number(number)
		d.id(id)
	}
}

func (d *digest) textsField(number uint64, texts []string) {
	if len(texts) > 0 {
		d.number(number)
		d.texts(texts)
	}
}

func (d *digest) anyField(number uint64, v any) {
	if v != nil {
		d.number(number)
		d.dynamic(v)
	}
}

func pointerField[T any](d *digest, number uint64, p *T) {
	if p != nil {
		d.number(number)
		d.value(reflect.ValueOf(p))
	}
}

func listField[T any](d *digest, number uint64, list []T) {
	if len(list) > 0 {
		d.number(number)
		d.list(reflect.ValueOf(list))
	}
}
