// Package peers compares the cost of this module with its alternatives: bifrost/core
// in process, the official OpenAI SDK, and net/http alone as the lower bound. It is a
// separate module, so that users of adk-fallback do not get these dependencies.
//
// Each [Client] makes the same call, over loopback HTTP, to one plain net/http
// [Server] in the same process. The figures therefore include the server: compare
// ratios, and read them beside those of net/http. README.md has the command. Package
// engine compares without a network.
package peers
