// Package request prepares a model request for one attempt: a copy that the
// attempt's model may change as it likes, thought signatures that the attempt's
// model accepts, and calls and responses in the form that every API takes.
// Schemas are in package wireschema.
//
// Models do change their requests (ADK's Gemini model appends a user turn and
// writes headers), so what is not copied leaks from a failed attempt into the
// next one and into the session.
package request
