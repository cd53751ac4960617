// Package gateway serves policies over HTTP, for applications that are not written in Go.
// It speaks the protocols of OpenAI and of Gemini, so that their official clients work with
// it unchanged.
//
//	live, err := policy.NewLive(ctx, p)
//	…
//	g, err := gateway.New(gateway.Config{Routes: map[string]*policy.Live{"assistant": live}})
//	…
//	err = http.ListenAndServe("127.0.0.1:8900", g)
//
// The model of a request is a route, or a model of its policy; see [Gateway].
// docs/gateway.md describes endpoints, headers and errors.
//
// This package has what all protocols share: HTTP, keys, limits and routes. Packages
// internal/openai and internal/gemini each convert the request bodies of one protocol to ADK
// requests, and ADK responses to bodies.
package gateway
