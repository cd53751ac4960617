// Package sdks tests with the official SDKs for Go that only tests need: the test server with
// Anthropic's, the errors of OpenAI's, and ADK's own OpenAI model as a target. That model does
// not compile with OpenAI's newest SDK, which plugin_test/gateway and plugin_test/peers use.
//
// It is a separate module, so that users of adk-fallback do not get its dependencies.
package sdks
