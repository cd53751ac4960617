package clone

import "google.golang.org/genai"

func (c *copier) declarationList(src []*genai.FunctionDeclaration, depth int) []*genai.FunctionDeclaration {
	if src == nil {
		return nil
	}
	dst := make([]*genai.FunctionDeclaration, len(src))
	for i, declaration := range src {
		if declaration == nil {
			continue
		}
		dst[i] = c.declarations.next()
		*dst[i] = *declaration
		dst[i].Parameters = c.schema(declaration.Parameters, depth)
		dst[i].Response = c.schema(declaration.Response, depth)
		dst[i].ParametersJsonSchema = c.data(declaration.ParametersJsonSchema, depth)
		dst[i].ResponseJsonSchema = c.data(declaration.ResponseJsonSchema, depth)
		c.also(dst[i], c.newer.declaration, depth)
	}
	return dst
}

func (c *copier) schema(src *genai.Schema, depth int) *genai.Schema {
	if src == nil || !c.enter(depth) {
		return src
	}
	dst := c.schemas.next()
	*dst = *src
	dst.AnyOf = c.schemaList(src.AnyOf, depth-1)
	dst.Items = c.schema(src.Items, depth-1)
	dst.Properties = c.schemaMap(src.Properties, depth-1)
	dst.Default, dst.Example = c.data(src.Default, depth-1), c.data(src.Example, depth-1)
	dst.Enum, dst.Required = c.strings.list(src.Enum), c.strings.list(src.Required)
	dst.PropertyOrdering = c.strings.list(src.PropertyOrdering)
	dst.MinItems, dst.MaxItems = pointerTo(src.MinItems), pointerTo(src.MaxItems)
	dst.MinLength, dst.MaxLength = pointerTo(src.MinLength), pointerTo(src.MaxLength)
	dst.MinProperties, dst.MaxProperties = pointerTo(src.MinProperties), pointerTo(src.MaxProperties)
	dst.Minimum, dst.Maximum = pointerTo(src.Minimum), pointerTo(src.Maximum)
	dst.Nullable = pointerTo(src.Nullable)
	c.also(dst, c.newer.schema, depth-1)
	return dst
}

func (c *copier) schemaList(src []*genai.Schema, depth int) []*genai.Schema {
	if src == nil || !c.enter(depth) {
		return src
	}
	dst := make([]*genai.Schema, len(src))
	for i, schema := range src {
		dst[i] = c.schema(schema, depth)
	}
	return dst
}

func (c *copier) schemaMap(src map[string]*genai.Schema, depth int) map[string]*genai.Schema {
	if src == nil || !c.enter(depth) {
		return src
	}
	dst := make(map[string]*genai.Schema, len(src))
	for name, schema := range src {
		dst[name] = c.schema(schema, depth)
	}
	return dst
}

// pointerTo returns a pointer to a copy of *v; nil if v is nil.
func pointerTo[T any](v *T) *T {
	if v == nil {
		return nil
	}
	clone := *v
	return &clone
}
