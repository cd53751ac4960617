// Package continuation goes on with a text that was cut off. Another model is given the text
// to continue, or answers from the start. Either way, the consumer gets only what goes beyond
// the text that it has, or learns that the other answer differs.
//
// A model that is given a text may go on after it, or repeat it first. Some APIs refuse white
// space at the end of the given text, so the text is given without it. The model may then begin
// with that white space or omit it. Only its own text, piece by piece, shows what it does.
//
//	var text continuation.Text
//	text.Attempt("").Add("one two ") // the first attempt is cut off here
//
//	a := text.Attempt(text.Given()) // its model is given "one two"
//	a.Add("one ")                   // "": it may be repeating the text
//	a.Add("two three")              // "three": it did repeat the text
//	a.End("one two three")          // "", "": nothing is missing, and nothing new
//
// The package calls no models; package router does.
package continuation

import "strings"

// trailing is the white space that some APIs refuse, and some adapters remove, at the end of a
// given text.
const trailing = " \t\r\n"

// Text is the text of an answer that the consumer has, without thoughts. The zero value is
// empty. It must not be copied after its first use. One goroutine at a time may use it and
// its attempts.
type Text struct{ shown strings.Builder }

// Given returns what a model is given to continue: the text without the white space at its
// end. It is "" if nothing is left.
func (t *Text) Given() string { return strings.TrimRight(t.shown.String(), trailing) }

// Attempt returns the comparison for an attempt that is given what [Text.Given] has returned,
// or "" for one that answers from the start.
func (t *Text) Attempt(given string) *Attempt {
	return &Attempt{text: t, given: given, gap: t.shown.String()[len(given):], like: given}
}

// Attempt compares the text of one attempt with a [Text], and adds to it. All pieces together
// take time in proportion to their length.
type Attempt struct {
	text  *Text
	given string
	gap   string // the white space that followed given in the text

	// like is the text that the attempt may be repeating: at first given, then perhaps gap. As
	// long as it may, the attempt's text is like[:at]. After that, like is "", and at is the
	// attempt's position in the answer.
	like string
	at   int
}

// Restart prepares a for another try with the same request.
func (a *Attempt) Restart() { a.like, a.at = a.given, 0 }

// Add takes the next piece of the attempt's text. It returns what goes beyond the Text, and
// adds it to the Text. ok is false if the attempt differs from the Text; then a must not be
// used again.
func (a *Attempt) Add(piece string) (beyond string, ok bool) {
	if a.like != "" {
		if strings.HasPrefix(a.like[a.at:], piece) {
			a.at += len(piece)
			return "", true
		}
		piece = a.like[:a.at] + piece // all of the attempt's text
		if strings.HasPrefix(a.gap, piece) {
			a.like, a.at = a.gap, len(piece)
			return "", true
		}
		a.like, a.at = "", a.start(piece)
	}
	shown := a.text.shown.String()
	n := min(len(piece), len(shown)-a.at)
	if piece[:n] != shown[a.at:a.at+n] {
		return "", false
	}
	a.at += len(piece)
	a.text.shown.WriteString(piece[n:])
	return piece[n:], true
}

// End takes the attempt's whole text, which is compared from its start, whatever the pieces
// were. It returns what goes beyond the Text, adds that to the Text, and returns the beginning
// of the answer that whole lacks. ok is false if whole differs from the Text or is shorter.
func (a *Attempt) End(whole string) (missing, beyond string, ok bool) {
	shown, start := a.text.shown.String(), a.start(whole)
	if beyond, ok = strings.CutPrefix(whole, shown[start:]); !ok {
		return "", "", false
	}
	a.text.shown.WriteString(beyond)
	return shown[:start], beyond, true
}

// start returns the position in the answer of an attempt whose text begins with text.
func (a *Attempt) start(text string) int {
	switch {
	case strings.HasPrefix(text, a.given):
		return 0 // it repeats what it was given, or answers from the start
	case strings.HasPrefix(text, a.gap):
		return len(a.given)
	}
	return len(a.given) + len(a.gap)
}
