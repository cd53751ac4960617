// Package clone copies requests, so that the model of an attempt may change what it gets
// as it likes.
//
// Models do change their requests (ADK's Gemini model appends a user turn and
// writes headers), so what is not copied leaks from a failed attempt into the
// next one and into the session.
package clone
