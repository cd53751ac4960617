// Package wireschema writes the schemas of a request as JSON Schema, in the form that the APIs of
// all vendors take, and in the form of OpenAI's strict mode.
package wireschema
