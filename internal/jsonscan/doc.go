// Package jsonscan reads members and elements of JSON without decoding the rest.
// Most events of a stream carry a few letters in a hundred bytes of JSON. Decoding
// them by reflection would cost more than all other work on them.
package jsonscan
