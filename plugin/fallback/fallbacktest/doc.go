// Package fallbacktest is a model provider that fails on purpose, for tests, as
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
// The path of a request selects the API:
//
//   - Gemini, with the paths of the Gemini API and of Vertex AI
//   - OpenAI chat completions and Responses, also at Azure's paths
//   - Anthropic Messages: /v1/messages
//
// Configure a client of any of them with [Server.URL], [Server.Client] and any key.
// Scripts do not depend on the API: they describe answers in genai's terms, and errors
// by what has happened; each API writes them in its own form. For Gemini and ADK,
// [Server.ClientConfig] returns a complete configuration.
//
// # Strict mode
//
// After [Provider.Strict] the server refuses the requests that the real API refuses
// for the called model: turns in a wrong order, calls without results, settings that
// the model does not take, thoughts and signatures that it has not made. To test a
// client for several providers, hold conversations with the server;
// [Provider.Violations] lists every mistake:
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
// always sign their thoughts. Only signatures of this package are accepted later, so a
// signature given with [Step.Signature] counts as a foreign one.
//
// Chat completions follow OpenAI's rules, unless [Provider.StrictAs] says that the
// model runs at Mistral, DeepSeek, Ollama or Groq. A model with "text-only" in its name
// takes no images through either of OpenAI's APIs.
//
// Each rule names its source, a published document or report, as of November 2026.
// Messages differ from those of the real APIs, except where clients are known to read
// them.
//
// # Steps
//
// A [Step] is a value: the content of a response (an answer, a tool call, an error
// status, nothing at all). Its methods say when the response is sent and where it
// breaks. They return a changed copy, so a step can be kept and varied.
//
// An answer is streamed as events, by default one token each, where a token is a
// word with the space after it. The position of a fault counts events as sent. A
// unary answer is one JSON document, and a fault between two events occurs in the
// middle of that document. Where an API frames an answer with events of its own, those
// count as part of the first and the last.
//
// OpenAI's APIs have no equivalent for parts of some steps. In chat completions,
// thoughts are in the field reasoning_content, as other servers send them; in
// Responses, they are summaries of reasoning items, with encrypted content if the
// request includes that. Their tokens count as reasoning. The arguments of a call are
// cut off if the answer finishes with MAX_TOKENS or MALFORMED_FUNCTION_CALL. [Blocked]
// is a refusal, and at Azure's paths an error of the content filter.
//
// The methods that end a response early (CutAfter, AbortAfter, StallAfter and
// their variants in bytes) exclude each other: the last one called applies. If the
// count is the answer's length or more, the whole answer is sent, and the connection is
// then aborted or held open. Counts below zero are zero.
//
// # Virtual time
//
// [NewPipeServer] serves the same HTTP over in-memory connections. Inside a
// [testing/synctest] bubble, an exchange with a 20 s wait takes no real time:
//
//	synctest.Test(t, func(t *testing.T) {
//		srv := fallbacktest.NewPipeServer()
//		defer srv.Close()
//		srv.Script("gemini-2.5-flash", fallbacktest.Text("Hello.").FirstAfter(20*time.Second))
//		// call the model; time.Since returns 20 s
//	})
//
// # What belongs here
//
// The package imports only the standard library, genai and packages of its own, so it
// serves agents of every ADK version. Steps and faults know no wire format: that belongs to
// package internal/protocol, with a package for each vendor. It reads requests without
// the types of a client, because those would hide a client's mistakes. Package
// internal/strict has what each API refuses and what its models take. Client logic
// (retries, classification) does not belong here.
package fallbacktest
