// Package gateway tests the gateway with unmodified clients: the official SDKs of OpenAI and
// Google for Go and Node.js. Command load measures it under load beside nginx.
//
// It is a separate module, so that users of adk-fallback do not get its dependencies. Tests
// of single fields, statuses and headers belong beside the gateway.
package gateway
