// Package fallbacktest is a model provider that breaks on purpose, as
// [net/http/httptest] is a server for tests.
//
// A [Server] speaks the Gemini REST API over real HTTP, with the paths of both
// the Gemini API and Vertex AI, and plays one script per model name. A script is
// a list of steps; each request takes the next one and the last repeats:
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
// # Steps
//
// A [Step] is a value: what is said (an answer, a tool call, an error status,
// nothing at all), changed by methods that say when it is said and where it
// breaks. Methods return a changed copy, so a step can be kept and varied.
//
// An answer is streamed as events, by default one token each, where a token is a
// word with the space after it. Faults are placed by counting events as sent. To
// a unary request the answer is a single JSON document, and a fault that strikes
// between events strikes in the middle of that document.
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
// The package imports the standard library and genai only, so that it serves
// agents of every ADK version. Steps and faults know no wire format; a protocol
// beside Gemini's is one more implementation of the protocol interface. Client
// logic (retries, classification) does not belong here.
package fallbacktest
