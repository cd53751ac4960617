package confidence_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/confidence"
)

var nan = math.NaN()

func TestStated(t *testing.T) {
	for _, test := range []struct {
		text, want string
		value      float64
	}{
		{"Paris.\nCONFIDENCE: 0.62", "Paris.", 0.62},
		{"Paris.\n\nCONFIDENCE: 0.62\n\n", "Paris.", 0.62},
		{"Paris.\r\nCONFIDENCE: 0.62\r\n", "Paris.", 0.62},
		{"Paris. CONFIDENCE: 0.62", "Paris.", 0.62},
		{"Paris.\n**CONFIDENCE: 0.62**", "Paris.", 0.62},
		{"Paris.\n**CONFIDENCE:** 0.62", "Paris.", 0.62},
		{"Paris.\n- `CONFIDENCE = 0.62`.", "Paris.", 0.62},
		{"Paris.\nConfidence: 62%", "Paris.", 0.62},
		{"Paris.\nCONFIDENCE: 0,62", "Paris.", 0.62},
		{"Paris.\nCONFIDENCE: 6/10", "Paris.", 0.6},
		{"Paris.\nCONFIDENCE: NaN", "Paris.", nan},
		{"Paris.\nCONFIDENCE: high", "Paris.", nan},
		{"Paris.\nCONFIDENCE: -1", "Paris.", -1},
		{"Paris.\nCONFIDENCE: 7/0", "Paris.", nan},
		{"CONFIDENCE: 0.62\nParis.", "Paris.", 0.62},
		{"\nCONFIDENCE: 0.62\n\nParis.", "Paris.", 0.62},
		{"Paris.\nCONFIDENCE: 0.62\nAnything else?", "Paris.\nAnything else?", 0.62},
		{"Paris.\nCONFIDENCE: 0.1\nCONFIDENCE: 0.9", "Paris.", 0.9},
		{"CONFIDENCE: 0.62", "", 0.62},
		{"é CONFIDENCE: 0.62" + strings.Repeat("\n", 100), "é", 0.62},
		{"Paris.\nCONFIDENCE: 0.62" + strings.Repeat("\n", 1000), "Paris.", 0.62},

		// Text of the answer.
		{"Paris.", "Paris.", nan},
		{"Paris. \n", "Paris. \n", nan},
		{"", "", nan},
		{" \n", " \n", nan},
		{"CONFIDENCE", "CONFIDENCE", nan},
		{"the CONFIDENCE", "the CONFIDENCE", nan},
		{"A CONFIDENCE interval: 0.9", "A CONFIDENCE interval: 0.9", nan},
		{"It has a confidence: 0.9", "It has a confidence: 0.9", nan},
		{"in CONFIDENCE: yes", "in CONFIDENCE: yes", nan},
		{"OVERCONFIDENCE: 0.9", "OVERCONFIDENCE: 0.9", nan},
		{"confidence: 0.9\nretries: 3\n", "confidence: 0.9\nretries: 3\n", nan},
		{"SEVERITY: LOW\nCONFIDENCE: HIGH\nFIX: none", "SEVERITY: LOW\nCONFIDENCE: HIGH\nFIX: none", nan},
		{"{\n\"CONFIDENCE\": 0.9\n}", "{\n\"CONFIDENCE\": 0.9\n}", nan},
		{"CONFIDENCE: 0.9 of them. More", "CONFIDENCE: 0.9 of them. More", nan},
		{"- a\n- b\n\n> C\n# D", "- a\n- b\n\n> C\n# D", nan},
		{"CONFIDENCE: " + strings.Repeat("9", 1000), "CONFIDENCE: " + strings.Repeat("9", 1000), nan},
	} {
		for size := 1; size <= len(test.text)+1; size++ {
			if size > 40 && size < len(test.text) {
				continue
			}
			var s confidence.Stated
			var got strings.Builder
			for rest := test.text; rest != ""; {
				n := min(size, len(rest))
				got.WriteString(s.Add(rest[:n]))
				rest = rest[n:]
			}
			got.WriteString(s.End())
			if got.String() != test.want || !same(s.Value(), test.value) {
				t.Errorf("%.60q in pieces of %d: %.60q with %v, want %.60q with %v", test.text, size, got.String(), s.Value(), test.want, test.value)
				break
			}
		}
	}
}

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

// Text is returned as soon as it can be no statement.
func TestStatedHoldsBackNoMoreThanNeeded(t *testing.T) {
	var s confidence.Stated
	var got []string
	for _, piece := range []string{"Paris", " is", " big.\n", "C", "ON", "crete", "\nCONFIDENCE: ", "0.9"} {
		got = append(got, s.Add(piece))
	}
	want := []string{"Paris", " is", " big.", "", "", "\nCONcrete", "", ""}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("pieces %q, want %q", got, want)
	}
}

// White space in single bytes takes linear time.
func TestStatedOfAFloodOfSpace(t *testing.T) {
	var s confidence.Stated
	for range 1 << 20 {
		s.Add("\n")
	}
	if got := len(s.End()); got != 1<<20 {
		t.Errorf("%d bytes, want all", got)
	}
}

func FuzzStated(f *testing.F) {
	f.Add("Paris.\nCONFIDENCE: 0.62", 3)
	f.Fuzz(func(t *testing.T, text string, at int) {
		at = min(max(at, 0), len(text))
		var whole, cut confidence.Stated
		want := whole.Add(text) + whole.End()
		got := cut.Add(text[:at]) + cut.Add(text[at:]) + cut.End()
		if got != want || !same(whole.Value(), cut.Value()) {
			t.Errorf("%q cut at %d: %q (%v), in one piece %q (%v)", text, at, got, cut.Value(), want, whole.Value())
		}
	})
}
