// Package responses calls models through OpenAI's Responses API. It writes requests, and
// reads answers and streams as real servers send them. The server stores nothing, so each
// request has the model's earlier reasoning.
//
// The types of the protocol are in package wire. Code shared with package chat is in
// package api.
package responses
