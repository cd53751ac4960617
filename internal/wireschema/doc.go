// Package wireschema writes the schemas of a request as JSON Schema, in the form that the APIs of
// all vendors take, and for the structured output of OpenAI and Anthropic.
package wireschema
