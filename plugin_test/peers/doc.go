// Package peers measures this module beside what an application would take in its
// place: bifrost/core in process, the official OpenAI SDK, and net/http alone, which
// is the floor that no client can go below. It is a module of its own, so that no
// user of the module beside gets their dependencies.
//
// Each [Client] makes the same call, over loopback HTTP, to one plain net/http
// [Server] in the same process, so the figures of one run hold the server's cost too:
// compare ratios, and read them beside the floor's. README.md has the command.
package peers
