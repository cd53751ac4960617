// Package plugin_test proves from outside what this module promises: through
// ADK's runner, over real HTTP, and in benchmarks. A comment such as "B09" on a
// test names the promise it proves.
package plugin_test
