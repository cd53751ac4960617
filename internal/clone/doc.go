// Package clone makes a deep copy of a request for each attempt, so that a model may change
// its request.
//
// Models do change their requests: ADK's Gemini model, for example, appends a user turn and
// writes headers. Without a copy, the changes of a failed attempt would leak into the next
// one and into the session.
package clone
