// Package jsonscan finds its way through JSON without decoding it. Most events of a
// stream are a few letters in a hundred bytes of JSON, and decoding them by
// reflection would cost more than all else that is done with them.
package jsonscan
