package continuation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/continuation"
)

// shown returns a Text that the consumer has been shown, and an attempt at it.
func shown(text string, continues bool) (*continuation.Text, *continuation.Attempt) {
	var t continuation.Text
	t.Attempt("").Add(text)
	if continues {
		return &t, t.Attempt(t.Given())
	}
	return &t, t.Attempt("")
}

// play sends pieces and then whole through an attempt. It returns what is added to the text,
// one string for each piece and one for whole. ok is false if the attempt differs.
func play(a *continuation.Attempt, pieces []string, whole string) (missing string, added []string, ok bool) {
	for _, piece := range pieces {
		beyond, ok := a.Add(piece)
		if !ok {
			return "", added, false
		}
		added = append(added, beyond)
	}
	missing, beyond, ok := a.End(whole)
	if ok {
		added = append(added, beyond)
	}
	return missing, added, ok
}

// B53: the consumer gets the text beyond what it has, once, whatever a model that is given
// the text makes of it.
func TestContinuedText(t *testing.T) {
	for _, test := range []struct {
		name    string
		shown   string
		pieces  string // separated by |, the whole text is all of them
		missing string // from the whole text
		added   string // for each piece, and then for the whole text
	}{
		{"goes on", "one ", "two| three", "one ", "two| three|"},
		{"adds nothing", "one", "", "one", "|"},
		{"repeats all", "one ", "one two", "", "two|"},
		{"repeats all in pieces", "one two ", "o|ne t|wo| th|ree", "", "|||th|ree|"},
		{"repeats the text and the white space", "one\n", "one|\ntwo", "", "|two|"},
		{"repeats no more than it was given", "one two ", "one two ", "", "|"},
		{"repeats, cut in a rune", "é\xc3", "\xc3|\xa9\xc3|\xa8!", "", "||\xa8!|"},
		{"begins like the text, then goes on", "one two ", "one |three", "one two ", "|one three|"},
		{"begins with the white space", "one two ", " three", "one two", "three|"},
		{"begins with the white space in pieces", "one\r\n\n", "\r|\n|\ntwo", "one", "||two|"},
		{"begins with more white space", "one\n", "\n|\ntwo", "one", "|\ntwo|"},
		{"begins with other white space", "one\n\n", "\n| two", "one\n\n", "|\n two|"},
		{"sends a part of the white space", "one\n\n", "\n", "one\n\n", "|\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text, a := shown(test.shown, true)
			pieces := strings.Split(test.pieces, "|")
			whole := strings.Join(pieces, "")
			missing, added, ok := play(a, pieces, whole)
			if got := strings.Join(added, "|"); !ok || missing != test.missing || got != test.added {
				t.Errorf("missing %q, added %q, ok %v; want %q, %q", missing, got, ok, test.missing, test.added)
			}
			if !same(text.Attempt(""), test.missing+whole) {
				t.Errorf("the text is not %q", test.missing+whole)
			}
			_, a = shown(test.shown, true)
			if missing, added, ok := play(a, nil, whole); !ok || missing != test.missing || added[0] != strings.ReplaceAll(test.added, "|", "") {
				t.Errorf("without pieces: missing %q, added %q, ok %v; want %q, %q", missing, added, ok, test.missing, test.added)
			}
		})
	}
}

// same reports whether an attempt that answers from the start with want adds nothing.
func same(a *continuation.Attempt, want string) bool {
	_, beyond, ok := a.End(want)
	return ok && beyond == ""
}

// B53: an answer from the start adds what the consumer has not seen, or differs.
func TestAnswerFromTheStart(t *testing.T) {
	for _, test := range []struct {
		name   string
		pieces string
		added  string // up to where it differs
		ok     bool
	}{
		{"the same and more", "one| two th|ree", "|th|ree|", true},
		{"the same", "one two ", "|", true},
		{"shorter", "one", "", false},
		{"other", "one| too", "", false},
		{"other white space", "one|\ntwo", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, a := shown("one two ", false)
			pieces := strings.Split(test.pieces, "|")
			missing, added, ok := play(a, pieces, strings.Join(pieces, ""))
			if got := strings.Join(added, "|"); missing != "" || got != test.added || ok != test.ok {
				t.Errorf("missing %q, added %q, ok %v; want none, %q, %v", missing, got, ok, test.added, test.ok)
			}
		})
	}
}

// B53: the pieces of a text come to the same as the whole: for all short texts of a letter,
// a space and a newline, and all ways to cut them.
func TestPiecesComeToTheSameAsTheWhole(t *testing.T) {
	texts := []string{""}
	for from := 0; len(texts) < 121; {
		to := len(texts)
		for _, text := range texts[from:to] {
			texts = append(texts, text+"a", text+" ", text+"\n")
		}
		from = to
	}
	differ := 0
	for _, before := range texts {
		for _, whole := range texts {
			answer := before + whole
			switch given := strings.TrimRight(before, " \n"); {
			case strings.HasPrefix(whole, given):
				answer = whole
			case strings.HasPrefix(whole, before[len(given):]):
				answer = given + whole
			}
			beyond, want := strings.CutPrefix(answer, before)
			for cuts := range 1 << max(len(whole)-1, 0) {
				_, a := shown(before, true)
				missing, added, ok := play(a, cut(whole, cuts), whole)
				if ok != want || ok && (strings.Join(added, "") != beyond || missing+whole != answer) {
					t.Fatalf("%q, then %q: missing %q, added %q, ok %v; want %q, %v", before, cut(whole, cuts), missing, added, ok, beyond, want)
				}
			}
			if !want {
				differ++
			}
		}
	}
	if differ == 0 {
		t.Error("no text differs")
	}
}

// cut cuts text after each byte whose bit is set.
func cut(text string, cuts int) (pieces []string) {
	for i := range text {
		if i == 0 || cuts>>(i-1)&1 == 1 {
			pieces = append(pieces, "")
		}
		pieces[len(pieces)-1] += text[i : i+1]
	}
	return pieces
}

// B120: another try with the same request is compared from its start, also with what the
// try before it has added.
func TestRestart(t *testing.T) {
	for _, before := range []string{"", "on", "one\n\nt", "\n", "\n\n", "\n\ntwo"} {
		text, a := shown("one\n\n", true)
		if _, ok := a.Add(before); !ok {
			t.Fatalf("after %q: the first try differs", before)
		}
		a.Restart()
		missing, added, ok := play(a, []string{"\n", "\ntwo", " three"}, "\n\ntwo three")
		if !ok || missing != "one" || !same(text.Attempt(""), "one\n\ntwo three") {
			t.Errorf("after %q: missing %q, added %q, ok %v; want one text", before, missing, added, ok)
		}
	}
}

// B53: white space alone is no text to continue.
func TestGiven(t *testing.T) {
	for before, want := range map[string]string{"": "", " \r\n\t": "", "one": "one", "\none two \n": "\none two"} {
		if text, _ := shown(before, false); text.Given() != want {
			t.Errorf("of %q: %q, want %q", before, text.Given(), want)
		}
	}
}

// B120: a text that is repeated, or white space, in many pieces takes linear time: no piece
// makes a copy of those before it.
func TestPiecesAreNotCopied(t *testing.T) {
	const n = 1000
	for name, pieces := range map[string][]string{
		"repeated":    slices.Repeat([]string{"word "}, n),
		"white space": slices.Repeat([]string{"\n"}, n),
	} {
		text := "one" + strings.Repeat("\n", n)
		if name == "repeated" {
			text = strings.Repeat("word ", n)
		}
		_, a := shown(text, true)
		if allocs := testing.AllocsPerRun(10, func() {
			a.Restart()
			for _, piece := range pieces {
				if beyond, ok := a.Add(piece); beyond != "" || !ok {
					t.Fatalf("%s: %q, %v", name, beyond, ok)
				}
			}
		}); allocs > 5 {
			t.Errorf("%s: %v allocations for %d pieces", name, allocs, n)
		}
	}
}
