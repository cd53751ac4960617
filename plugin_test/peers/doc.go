// Package peers compares the cost of this module with its alternatives: failsafe-go,
// eino, genkit, bifrost/core, the official OpenAI SDK, and net/http alone as the lower
// bound. It is a separate module, so that users of adk-fallback do not get these
// dependencies.
//
// A [Row] is a call and the targets that it meets, in memory or over loopback HTTP. A
// [Peer] makes a [Client] for each row that it can do. A [Site] has one client and its
// targets, and measures calls: the processor time includes that of the server, so
// compare ratios. Command table measures all rows and writes docs/benchmarks.md;
// README.md says what each peer does.
package peers
