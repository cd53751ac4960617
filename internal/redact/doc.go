// Package redact removes secrets and personal data from text that is about to be recorded or sent to a model that must not see
// them: error messages of providers echo API keys, consumer names, organisation ids and account e-mail addresses.
//
//	redact.Text("Consumer 'api_key:AIzaSy…' has been suspended.", 256)
//	// Consumer '[redacted]' has been suspended.
//
// It errs on the side of removing too much: a record that lost a harmless word is a nuisance, one that kept a key is an
// incident. Nothing here may log, store or return what was removed.
//
// # What is a secret
//
// A scanner (scan.go) reads the text once, word by word, and asks of each:
//
//   - Does it begin like a key? The table forms (forms.go) has a line for every kind: the introducer, the alphabet and the shortest
//     length of what follows, and the source of that shape. A new kind of key is a line there and one in the test's shapes.
//   - Is it a label? The table labels (labels.go) has the names that say what stands behind them: password, api_key, Bearer,
//     project. Which values count behind each is in labelled.go, also where the label is itself a value, {"name": "password",
//     "value": "…"}; Secret (field.go) asks the same of a field of an object.
//   - Does it look like a secret by itself: a UUID, 128 bits in hexadecimal or base64, an e-mail, IPv6 or hardware address, the
//     user and password of a URL, a PEM block? The judgements are in shape.go and random.go; each looks at no byte more than a few times.
//
// Characters may be escaped for JSON or a URL, any number of times, and quotes for HTML (class.go).
//
// The tables are searched by first (or last) bytes rather than with an Aho–Corasick automaton: an introducer can only stand where a word or a part of one
// starts, and two bytes decide for nearly every word that none does. An automaton of these introducers and labels takes 160 KiB to 2 MiB
// in every application, reads every byte as slowly as all of this does, and leaves escapes, labels and looks to be judged.
package redact
