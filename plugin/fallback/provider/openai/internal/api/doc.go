// Package api has what packages chat and responses share: the server that a model is
// called at, and conversions between genai and the values that both APIs write alike,
// such as names, tools, schemas, settings and log probabilities.
//
// What only one of the APIs needs belongs in its own package. The two do not import each
// other.
package api
