// Package digest identifies requests: two have the same digest exactly when a model
// would give the same answer to both. Ids of calls, and fields that do not reach a
// model, are not part of it.
package digest

import (
	"crypto/sha256"
	"reflect"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// Sum is the SHA-256 of all that an answer depends on. No prompt can be read from
// it, and nobody can make two requests with the same Sum.
type Sum [sha256.Size]byte

// omitted lists the fields that do not reach a model, so that they can differ
// between requests with the same answer. All other fields belong to the key,
// those that a later genai adds too.
//
// The address in HTTPOptions belongs to it: another server, or another version of
// its API, may have another model of the same name. With ExtrasRequestProvider, a
// function, a request has no key.
//
// Two fields of a genai.Part are omitted by digest.part: PartMetadata, the
// application's own notes, and ThoughtSignature, a provider's note to itself that
// differs between sessions of the same conversation.
var omitted = map[reflect.Type][]string{
	reflect.TypeFor[genai.GenerateContentConfig](): {
		"HTTPOptions", // see digest.config
		"Labels",      // names on a bill
		"ServiceTier", // how soon the answer comes, and its price
		"Store",       // whether the provider logs the request
	},
	reflect.TypeFor[genai.EmbedContentConfig](): {
		"HTTPOptions", // see digest.config
	},
	reflect.TypeFor[genai.HTTPOptions](): {
		"Headers", // trace ids, credentials
		"Timeout",
		"RetryOptions",
	},
}

// identified lists the types with an ID that pairs a call with its result, beside
// those that digest.call and digest.response write. A provider generates it anew
// in each session, so the key has the order in which the ids first appear instead.
var identified = map[reflect.Type]bool{
	reflect.TypeFor[genai.ToolCall]():            true,
	reflect.TypeFor[genai.ToolResponse]():        true,
	reflect.TypeFor[genai.ExecutableCode]():      true,
	reflect.TypeFor[genai.CodeExecutionResult](): true,
}

// Of returns the digest of req together with texts, lists of what else an answer
// depends on. It reports false for a request that has none: one with a function in
// it, or nested without end. It panics if a MarshalJSON in the request does.
func Of(req *model.LLMRequest, texts ...[]string) (sum Sum, ok bool) {
	var options *genai.HTTPOptions
	if req.Config != nil {
		options = req.Config.HTTPOptions
	}
	return of(req.Config, options, req.Contents, texts)
}

// OfEmbedding returns the digest of what the embedding of content depends on, with
// texts, as [Of] does for a request.
func OfEmbedding(content *genai.Content, settings *genai.EmbedContentConfig, texts ...[]string) (sum Sum, ok bool) {
	var options *genai.HTTPOptions
	if settings != nil {
		options = settings.HTTPOptions
	}
	return of(settings, options, []*genai.Content{content}, texts)
}

func of[T any](settings *T, options *genai.HTTPOptions, contents []*genai.Content, texts [][]string) (sum Sum, ok bool) {
	d := digests.Get().(*digest)
	defer d.release()
	for _, list := range texts {
		d.texts(list)
	}
	config(d, settings, options)
	d.contents(contents)
	return d.sum(), d.err == nil
}

// config writes a configuration and its HTTPOptions. None is the same as an empty one,
// and so it is for its HTTPOptions, of which nothing may be left but what is omitted.
func config[T any](d *digest, settings *T, options *genai.HTTPOptions) {
	if settings == nil {
		d.number(0) // as an empty one ends
	} else {
		d.value(reflect.ValueOf(settings).Elem())
	}
	if options == nil {
		d.number(0)
	} else {
		d.value(reflect.ValueOf(options).Elem())
	}
}

func (d *digest) contents(contents []*genai.Content) {
	d.inOrder = areInOrder(contents)
	d.presence(d.inOrder)
	d.number(uint64(len(contents)))
	for _, content := range contents {
		if d.presence(content != nil) {
			d.content(content)
		}
	}
}

// areInOrder tells whether the responses in each content are those to the calls
// in the one before, in the same order. Then their places pair them, as
// [request.Pair] does, and their ids say nothing more, nor does it matter whether
// there are any.
func areInOrder(contents []*genai.Content) bool {
	before := &genai.Content{}
	for _, content := range contents {
		if content == nil {
			content = &genai.Content{}
		}
		if !answersAll(content, before) {
			return false
		}
		before = content
	}
	return answersAll(&genai.Content{}, before)
}

// answersAll tells whether the responses in content are those to the calls in
// before, in the same order.
func answersAll(content, before *genai.Content) bool {
	calls := before.Parts
	for _, part := range content.Parts {
		if part == nil || part.FunctionResponse == nil {
			continue
		}
		var call *genai.FunctionCall
		if call, calls = nextCall(calls); call == nil || call.ID != part.FunctionResponse.ID || call.Name != part.FunctionResponse.Name {
			return false
		}
	}
	call, _ := nextCall(calls)
	return call == nil
}

// nextCall returns the first call in parts, nil if there is none, and the parts
// after it.
func nextCall(parts []*genai.Part) (call *genai.FunctionCall, rest []*genai.Part) {
	for i, part := range parts {
		if part != nil && part.FunctionCall != nil {
			return part.FunctionCall, parts[i+1:]
		}
	}
	return nil, nil
}
