// Package fallbacktest is a model provider that breaks on purpose, as
// [net/http/httptest] is a server for tests.
//
// A [Server] speaks the REST APIs of several vendors over real HTTP and plays one
// script per model name. A script is a list of steps; each request takes the next
// one and the last repeats:
//
//	srv := fallbacktest.NewServer()
//	defer srv.Close()
//	srv.Script("gemini-2.5-flash",
//		fallbacktest.Times(2, fallbacktest.Overloaded()),
//		fallbacktest.Text("It is sunny in Paris.").AbortAfter(3),
//		fallbacktest.Text("It is sunny in Paris."),
//	)
//	model, err := gemini.NewModel(ctx, "gemini-2.5-flash", srv.ClientConfig())
//
// # APIs
//
// The path of a request says which API it is made to:
//
//   - Gemini, with the paths of the Gemini API and of Vertex AI
//   - OpenAI chat completions and Responses, also at Azure's paths
//   - Anthropic Messages: /v1/messages
//
// A client of any of them is pointed at [Server.URL] and given [Server.Client]; any
// key will do. A script is the same for all: answers are described in genai's terms
// and errors by what has happened, and each API writes them in its own form. For
// Gemini and ADK, [Server.ClientConfig] is ready made.
//
// # Strict mode
//
// After [Provider.Strict] the server refuses what the real API refuses of the model
// that is asked: turns in a wrong order, calls without results, settings that the
// model does not take, thoughts and signatures that it has not made. A test of a
// client for several providers plays its conversations against it and finds every
// mistake in [Provider.Violations]:
//
//	srv.Strict()
//	srv.Script("gemini-3-flash-preview", fallbacktest.ToolCall("weather", nil), fallbacktest.Overloaded())
//	srv.Script("claude-opus-5", fallbacktest.Text("It is sunny."))
//	// converse, with one as the other's fallback
//	for _, v := range srv.Violations() {
//		t.Error(v)
//	}
//
// In strict mode Gemini models from 3 on sign their calls and texts; Claude models
// always sign their thoughts. Only what this package has signed is accepted when it
// comes back, so a signature given with [Step.Signature] counts as a foreign one.
//
// A model is asked through chat completions as OpenAI's are, unless
// [Provider.StrictAs] says that it runs at Mistral, DeepSeek, Ollama or Groq. A
// model with "text-only" in its name takes no images through either of OpenAI's APIs.
//
// Rules follow published documents and reports, which stand beside each of them, as
// of November 2026. The messages are not the APIs' own, except where clients are
// known to read them.
//
// # Steps
//
// A [Step] is a value: what is said (an answer, a tool call, an error status,
// nothing at all), changed by methods that say when it is said and where it
// breaks. Methods return a changed copy, so a step can be kept and varied.
//
// An answer is streamed as events, by default one token each, where a token is a
// word with the space after it. Faults are placed by counting events as sent. To
// a unary request the answer is a single JSON document, and a fault that strikes
// between events strikes in the middle of that document. Where an API frames an
// answer with events of its own, those count as part of the first and the last.
//
// OpenAI's APIs have no words for some of what a step can say. In chat completions
// thoughts are the field reasoning_content, as other servers send them; in Responses
// they are summaries of reasoning items, with encrypted content if the request
// includes that. Their tokens count as reasoning. The arguments of a call are cut
// off if the answer finishes with MAX_TOKENS or MALFORMED_FUNCTION_CALL. [Blocked] is
// a refusal, and at Azure's paths an error of the content filter.
//
// The methods that end a response early (CutAfter, AbortAfter, StallAfter and
// their variants in bytes) exclude each other: the last one called counts. A count
// at or beyond the answer's length lets all of it pass, and the connection is then
// still aborted or held open. Counts below zero are zero.
//
// # Virtual time
//
// [NewPipeServer] carries the same HTTP over in-memory connections. Made inside
// a [testing/synctest] bubble, an exchange with a 20 s wait takes no time at all:
//
//	synctest.Test(t, func(t *testing.T) {
//		srv := fallbacktest.NewPipeServer()
//		defer srv.Close()
//		srv.Script("gemini-2.5-flash", fallbacktest.Text("Hello.").FirstAfter(20*time.Second))
//		// ask, and find that time.Since says 20 s
//	})
//
// # What belongs here
//
// The package imports the standard library, genai and packages of its own only, so
// that it serves agents of every ADK version. Steps and faults know no wire format;
// another API is one more implementation of the protocol interface, in files named
// after it. It reads requests without the types of a client, which would hide what a
// client sends in error. What an API refuses, and what its models take, is in package
// internal/strict. Client logic (retries, classification) does not belong here.
package fallbacktest
