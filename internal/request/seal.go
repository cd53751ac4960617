package request

import (
	"bytes"
	"slices"
	"strings"
)

// sealed begins every thought signature that an adapter of this module made. A
// signature without it is Gemini's own, as the session has always kept them.
var sealed = []byte("adk-fallback:")

// Seal returns data as a thought signature that names its vendor, so that it is
// sent back only to that vendor. The vendor must not contain a newline. Sessions
// can store it: they treat signatures as opaque bytes.
func Seal(vendor string, data []byte) []byte {
	return slices.Concat(sealed, []byte(vendor), []byte{'\n'}, data)
}

// Unseal returns the data of a signature that [Seal] made for vendor.
func Unseal(vendor string, signature []byte) (data []byte, ok bool) {
	if VendorOf(signature) != vendor || vendor == "" {
		return nil, false
	}
	return signature[len(sealed)+len(vendor)+1:], true
}

// VendorOf returns the vendor that [Seal] was given, or "" for a signature of
// Gemini's own.
func VendorOf(signature []byte) string {
	rest, ok := bytes.CutPrefix(signature, sealed)
	if !ok {
		return ""
	}
	vendor, _, ok := strings.Cut(string(rest), "\n")
	if !ok {
		return ""
	}
	return vendor
}
