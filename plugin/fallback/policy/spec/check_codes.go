package spec

import (
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/kinds"
)

// codes finds words in errors.codes that match no failure.
func (c *checker) codes() {
	if c.Errors == nil {
		return
	}
	for i, code := range c.Errors.Codes {
		word, path := string(code), at("errors.codes", i)
		lower := strings.ToLower(word)
		switch {
		case word == "", lower == AnyFailure, '0' <= word[0] && word[0] <= '9':
			continue
		case lower == "canceled":
			c.err(path, "canceled never matches: a call that its caller has given up is not answered; remove it")
			continue
		case lower == "content":
			c.err(path, "content has no effect here; set errors.content_policy")
			continue
		case slices.Contains(kinds.All(), lower), c.known.Code != nil && c.known.Code(word):
			continue
		}
		hint := kindMeant(lower)
		switch {
		case word == lower && c.known.Code != nil:
			c.err(path, quoted(word)+" is neither a kind nor a known code"+hint+"; the kinds are "+strings.Join(kinds.All(), ", "))
		case hint != "": // other words may be codes of providers, which nobody knows all of
			c.warn(path, quoted(word)+" is not a kind"+hint)
		}
	}
}

// kindMeant returns " (did you mean …?)" for the kind that a word is a misspelling of.
func kindMeant(word string) string {
	plain := strings.NewReplacer("_", "", "-", "")
	for _, kind := range kinds.All() {
		if plain.Replace(word) == plain.Replace(kind) {
			return " (did you mean " + kind + "?)"
		}
	}
	return didYouMean(word, append(kinds.All(), AnyFailure))
}
