// Package call describes one model call: who asks ([Info]), what was tried so
// far ([Log], [Attempt]) and what is written on the response about it
// ([Metadata]).
//
// It holds plain data and no policy: nothing here decides what an error means,
// and nothing here calls a model. It imports no other package of this module
// that a user can import.
//
// Reading what happened to an answer, wherever it is found:
//
//	if md, ok := call.ReadEvent(event); ok && md.Triggered {
//		log.Printf("%s stood in for %s after %s", md.FallbackModel, md.OriginalModel, md.ErrorCode)
//	}
package call
