// Package confidence reads how sure a model is of its answer, as a number from 0 to 1:
// from the log-probabilities of the answer's tokens, or from a line in which the model
// states it.
//
// It does not decide what follows from that; its importers do.
package confidence
