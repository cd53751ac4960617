// Package api has what packages chat and responses share: the interface to a model's
// server, and conversions between genai and the values that are the same in both APIs,
// such as names, tools, schemas, settings and log probabilities.
//
// What only one of the APIs needs belongs in its own package. The two do not import each
// other.
package api
