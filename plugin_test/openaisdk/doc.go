// Package openaisdk tests what needs OpenAI's SDK for Go at the version that ADK requires:
// ADK's own OpenAI model as a target, and the SDK's errors. A newer SDK does not compile with
// that model, so the clients in plugin_test/gateway and plugin_test/peers cannot be tested here.
//
// It is a separate module, so that users of adk-fallback do not get its dependencies.
package openaisdk
