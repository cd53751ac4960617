// Package redact removes secrets and personal data from text that is about to be recorded: error messages of
// providers echo API keys, consumer names, organisation ids and account e-mail addresses.
//
//	redact.Text("Consumer 'api_key:AIzaSy…' has been suspended.", 256)
//	// Consumer '[redacted]' has been suspended.
//
// What lives here is the one function Text. It errs on the side of removing too much: a record that lost a harmless
// word is a nuisance, one that kept a key is an incident. Nothing here may log, store or return what was removed.
package redact
