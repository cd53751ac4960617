// Package call describes one model call: its caller ([Info]), its attempts so far
// ([Log], [Attempt]), and the metadata on its response ([Metadata]).
//
// It holds plain data. It does not decide what an error means and calls no model. It
// imports no other public package of this module.
//
// To read what happened on the way to an answer:
//
//	if md, ok := call.ReadEvent(event); ok && md.Triggered {
//		log.Printf("%s answered instead of %s after %s", md.FallbackModel, md.OriginalModel, md.ErrorCode)
//	}
package call
