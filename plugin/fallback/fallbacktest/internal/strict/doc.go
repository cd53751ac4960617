// Package strict is what each real API refuses of a request, for fallbacktest's strict
// mode.
//
// There is one function per API: [Gemini], [Anthropic], [Chat] and [Responses]. Each
// is given a request that the server was able to read, and returns nil if the API
// accepts it, else the [Violation] that is met first. What a violation looks like on
// the wire is for the server's protocols to say.
// [GeminiSigns] and [Dialect.TakesID] are rules that a server's own answers keep too.
//
// The files of each API begin with its name: the order of the rules (gemini.go), what
// the models take (…_family.go), and the rules of one part of a request each. The two
// APIs of OpenAI share openai.go, openai_family.go and openai_schema.go.
//
// # What belongs here
//
// Rules alone, and what is known of models and dialects to apply them. Each rule
// names its source, a published document or report, beside it or at the head of its
// file; one that has none says that it is inferred, or a rule of this package. A rule
// that depends on the model binds the models that are known, and no other.
//
// Nothing here answers a request, keeps anything between two, or uses the types of a
// client, which would hide what it sends in error; genai's serve where they hide
// nothing, because an unknown field of theirs is refused. What models sign with is
// made in package signature.
package strict
