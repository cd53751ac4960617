// Package plugintest has the tests that the FallbackPlugin must pass with a real runner. [Run]
// proves every behaviour through a [Harness], and each major version of ADK has a harness.
package plugintest
