package trim_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"
	"pgregory.net/rapid"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/internal/trim"
)

func user(text string) *genai.Content   { return genai.NewContentFromText(text, genai.RoleUser) }
func answer(text string) *genai.Content { return genai.NewContentFromText(text, genai.RoleModel) }

func called(id, name string) *genai.Content {
	return &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{ID: id, Name: name}, ThoughtSignature: []byte("sig" + id)}}}
}

func returned(id, name string) *genai.Content {
	return &genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{ID: id, Name: name}}}}
}

// one counts a content as one token, so that a budget is a number of contents.
func one(*genai.Content) int { return 1 }

// show returns contents as a line: u and a number for a user's message, a for an answer,
// c and r for calls and responses, … for the mark.
func show(contents []*genai.Content) string {
	var words []string
	for _, c := range contents {
		if c == nil {
			words = append(words, "nil")
			continue
		}
		for _, p := range c.Parts {
			switch {
			case p.FunctionCall != nil:
				words = append(words, "c"+p.FunctionCall.ID+p.FunctionCall.Name)
			case p.FunctionResponse != nil:
				words = append(words, "r"+p.FunctionResponse.ID+p.FunctionResponse.Name)
			case p.Text == trim.Mark:
				words = append(words, "…")
			default:
				words = append(words, p.Text)
			}
		}
	}
	return strings.Join(words, " ")
}

// parse is the other way round; roles follow from the letters.
func parse(line string) (contents []*genai.Content) {
	for _, word := range strings.Fields(line) {
		switch {
		case word == "…":
			contents = append(contents, user(trim.Mark))
		case word == "nil":
			contents = append(contents, nil)
		case word == "f":
			contents = append(contents, &genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{{Text: "For context:"}, {Text: "f"}}})
		case word[0] == 'u':
			contents = append(contents, user(word))
		case word[0] == 'a':
			contents = append(contents, answer(word))
		case word[0] == 'c':
			contents = append(contents, called(strings.Trim(word[1:2], "-"), word[2:]))
		case word[0] == 'r':
			contents = append(contents, returned(strings.Trim(word[1:2], "-"), word[2:]))
		}
	}
	return contents
}

func TestHistory(t *testing.T) {
	for name, test := range map[string]struct {
		history string
		budget  int
		want    string // "" if it cannot be made to fit
	}{
		"fits":                            {"u1 a1 u2", 3, "u1 a1 u2"},
		"whole turns":                     {"u1 a1 u2 a2 u3 a3 u4", 5, "u1 … u3 a3 u4"},
		"the reply to the first message":  {"u1 a1 u2 a2 u3", 4, "u1 … u3"},
		"all but the ends":                {"u1 a1 u2 a2 u3", 3, "u1 … u3"},
		"not even the ends":               {"u1 a1 u2 a2 u3", 2, ""},
		"nothing between":                 {"u1 u2", 1, ""},
		"one message":                     {"u1", 0, ""},
		"the current turn is whole":       {"u1 a1 u2 a2 u3 cxf rxf cyf ryf", 8, "u1 … u3 cxf rxf cyf ryf"},
		"the current turn is too long":    {"u1 a1 u2 cxf rxf cyf ryf", 6, ""},
		"earlier pairs of a turn":         {"u1 a1 u2 cxf rxf cyf ryf a2 u3", 6, "u1 … cyf ryf a2 u3"},
		"not between a call and its end":  {"u1 a1 u2 cxf rxf cyf ryf a2 u3", 5, "u1 … u3"},
		"a late response":                 {"u1 a1 u2 cxf a2 u3 a3 rxf a4 u4 a5 u5", 7, "u1 … u4 a5 u5"},
		"a response after the last turn":  {"u1 cxf a1 u2 a2 u3 rxf", 6, ""},
		"responses by name":               {"u1 a1 u2 c-f r-f c-f r-f a2 u3", 6, "u1 … cf rf a2 u3"},
		"a response by name comes late":   {"u1 a1 u2 c-f f c-g r-f r-g u3", 7, "u1 … u3"},
		"a call before the first message": {"cxf u1 rxf a1 u2 a2 u3", 5, "cxf u1 rxf … u3"},
		"a call without a response":       {"u1 a1 u2 cxf cyf ryf a2 u3", 4, "u1 … u3"},
		"what another agent said":         {"u1 a1 u2 a2 u3 a3 f cxf rxf", 8, "u1 … u3 a3 For context: f cxf rxf"},
		"an earlier mark":                 {"u1 … u2 a2 u3 a3 u4", 5, "u1 … u3 a3 u4"},
		"a greeting first":                {"a0 u1 a1 u2 a2 u3", 4, "a0 u1 … u3"},
		"several messages at the ends":    {"u1 u2 a1 u3 a3 u4 u5", 5, "u1 u2 … u4 u5"},
		"nil contents":                    {"u1 nil a1 nil u2", 3, "u1 … u2"},
		"no user's message":               {"a1 a2 a3 a4", 2, ""},
		"a call goes on after its result": {"u1 a1 u2 cxf rxf a2 cyf ryf u3", 5, "u1 … u3"},
		"the last messages are too long":  {"u1 a1 u2 a2 u3 u4", 3, ""},
		"nil before a call":               {"u1 a1 u2 nil cxf rxf a2 u3", 6, "u1 … cxf rxf a2 u3"},
		"a response without a call":       {"u1 a1 rxf u2 a2 u3", 3, "u1 … u3"},
		"a response to a call without id": {"u1 a1 u2 c-f f c-g rxf r-g u3", 7, "u1 … u3"},
		"rounded up to two, of sixteen":   {"u1 a1 u2 a2 u3 a3 u4 a4 u5 a5 u6 a6 u7 a7 u8 a8 u9 a9", 16, "u1 … u4 a4 u5 a5 u6 a6 u7 a7 u8 a8 u9 a9"},
		"nothing":                         {"", -1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			kept, ok := trim.History(parse(test.history), test.budget, one)
			if got := show(kept); ok != (test.want != "") || ok && got != test.want {
				t.Errorf("%q, ok is %v; want %q", got, ok, test.want)
			}
		})
	}
}

// The cut stays where it is while the conversation grows, but for every eighth of the
// budget: a prompt cache keeps what stands before the newest messages.
func TestCutStaysAtItsPlace(t *testing.T) {
	var contents []*genai.Content
	cuts := map[string]bool{}
	for i := range 240 {
		contents = append(contents, user(fmt.Sprint("u", i)), answer(fmt.Sprint("a", i)))
		if kept, ok := trim.History(append(contents, user("now")), 160, one); !ok {
			t.Fatal("it does not fit")
		} else if len(kept) > 2 && kept[1].Parts[0].Text == trim.Mark {
			cuts[kept[2].Parts[0].Text] = true
		}
	}
	if n := len(cuts); n < 8 || n > 20 {
		t.Errorf("the cut was at %d places over 160 turns, want about one for each 20 contents", n)
	}
}

// conversation draws a history with calls of all kinds.
func conversation(t *rapid.T) (contents []*genai.Content) {
	n := 0
	text := func(kind string) string {
		n++
		return kind + fmt.Sprint(n) + strings.Repeat("x", rapid.IntRange(0, 60).Draw(t, "length"))
	}
	withIDs := rapid.Bool().Draw(t, "ids")
	var late []*genai.FunctionCall
	for range rapid.IntRange(0, 8).Draw(t, "turns") {
		contents = append(contents, user(text("u")))
		for range rapid.IntRange(0, 4).Draw(t, "steps") {
			step := &genai.Content{Role: genai.RoleModel}
			results := &genai.Content{Role: genai.RoleUser}
			for range rapid.IntRange(1, 3).Draw(t, "calls") {
				call := &genai.FunctionCall{Name: rapid.SampledFrom([]string{"f", "g"}).Draw(t, "name"), Args: map[string]any{"q": text("c")}}
				if withIDs {
					call.ID = text("id")
				}
				step.Parts = append(step.Parts, &genai.Part{FunctionCall: call, ThoughtSignature: []byte(text("s"))})
				if withIDs && rapid.IntRange(0, 9).Draw(t, "late") == 0 {
					late = append(late, call)
					continue
				}
				results.Parts = append(results.Parts, &genai.Part{FunctionResponse: &genai.FunctionResponse{ID: call.ID, Name: call.Name, Response: map[string]any{"r": text("r")}}})
			}
			contents = append(contents, step)
			if len(results.Parts) > 0 {
				contents = append(contents, results)
			}
			if rapid.IntRange(0, 5).Draw(t, "foreign") == 0 {
				contents = append(contents, &genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{{Text: "For context:"}, {Text: text("f")}}})
			}
			if len(late) > 0 && rapid.Bool().Draw(t, "now") {
				contents = append(contents, returned(late[0].ID, late[0].Name))
				late = late[1:]
			}
		}
		if rapid.IntRange(0, 4).Draw(t, "answered") > 0 {
			contents = append(contents, answer(text("a")))
		}
	}
	return contents
}

func total(contents []*genai.Content) (sum int) {
	for _, c := range contents {
		sum += tokens.OfContent(c)
	}
	return sum
}

// partners returns how many calls have a response in contents, and the reverse, by id.
func partners(contents []*genai.Content) (calls, responses map[string]int) {
	calls, responses = map[string]int{}, map[string]int{}
	for _, c := range contents {
		for _, p := range c.Parts {
			if p.FunctionCall != nil && p.FunctionCall.ID != "" {
				calls[p.FunctionCall.ID]++
			}
			if p.FunctionResponse != nil && p.FunctionResponse.ID != "" {
				responses[p.FunctionResponse.ID]++
			}
		}
	}
	return calls, responses
}

// B64: it fits or says that it cannot, never parts a pair, keeps both ends and what is
// kept as it is, and changes nothing of the caller's.
func TestHistoryProperties(t *testing.T) {
	trimmed := 0
	rapid.Check(t, func(t *rapid.T) {
		contents := conversation(t)
		before := clone.Contents(contents)
		budget := rapid.IntRange(0, total(contents)+1).Draw(t, "budget")
		kept, ok := trim.History(contents, budget, tokens.OfContent)
		if diff := cmp.Diff(before, contents); diff != "" {
			t.Fatalf("the caller's contents have changed:\n%s", diff)
		}
		if !ok {
			if least := smallest(contents); least <= budget {
				t.Fatalf("%d tokens would do, of %d", least, budget)
			}
			return
		}
		if n := total(kept); n > budget {
			t.Fatalf("%d tokens, want at most %d", n, budget)
		}
		if again, ok := trim.History(kept, budget, tokens.OfContent); !ok || !slices.Equal(again, kept) {
			t.Fatal("trimming again changes what fits")
		}
		if slices.Equal(kept, contents) {
			return
		}
		trimmed++
		at := slices.IndexFunc(kept, func(c *genai.Content) bool { return request.Text(c) == trim.Mark })
		tail := len(kept) - at - 1
		if at < 1 || !slices.Equal(kept[:at], contents[:at]) || !slices.Equal(kept[at+1:], contents[len(contents)-tail:]) {
			t.Fatalf("not both ends of %s:\n%s", show(contents), show(kept))
		}
		if begin := lastTurn(contents); len(contents)-tail > begin {
			t.Fatalf("the current turn is cut: %s", show(kept))
		}
		if !request.BeginsTurn(kept[0]) || request.BeginsTurn(contents[0]) != request.BeginsTurn(kept[0]) {
			t.Fatalf("it does not begin with the user: %s", show(kept))
		}
		calls, responses := partners(kept)
		allCalls, allResponses := partners(contents)
		for id := range allCalls {
			if allResponses[id] > 0 && calls[id]*allResponses[id] != responses[id]*allCalls[id] {
				t.Fatalf("call %s is parted from its response: %s", id, show(kept))
			}
		}
		if lone(kept) > lone(contents) {
			t.Fatalf("responses have lost their calls: %s", show(kept))
		}
	})
	if trimmed == 0 {
		t.Error("no history was trimmed")
	}
}

// lone counts the responses that an API would be sent as text, for want of a call.
func lone(contents []*genai.Content) (n int) {
	for _, c := range request.Pair(contents, nil) {
		for _, p := range c.Parts {
			if strings.HasPrefix(p.Text, "Result of the tool") {
				n++
			}
		}
	}
	return n
}

// lastTurn returns where the user's last message is.
func lastTurn(contents []*genai.Content) int {
	for i := len(contents) - 1; i >= 0; i-- {
		if request.BeginsTurn(contents[i]) {
			return i
		}
	}
	return 0
}

// smallest returns how many tokens are left when all is cut out that may be: all but the
// user's first message, the mark and the current turn, unless a response in that turn is
// to a call before it.
func smallest(contents []*genai.Content) int {
	first, last := 0, lastTurn(contents)
	for first < len(contents) && request.BeginsTurn(contents[first]) {
		first++
	}
	for last > 0 && request.BeginsTurn(contents[last-1]) {
		last--
	}
	calls, _ := partners(contents[:last])
	_, responses := partners(contents[last:])
	for id := range responses {
		if calls[id] > 0 {
			return math.MaxInt // a cut would have to end earlier; not judged here
		}
	}
	if first >= last {
		return total(contents)
	}
	return total(contents[:first]) + tokens.OfContent(user(trim.Mark)) + total(contents[last:])
}

// What is kept is the very same, signatures included.
func TestKeptContentsAreTheSame(t *testing.T) {
	contents := parse("u1 a1 u2 a2 u3 cxf rxf")
	kept, ok := trim.History(contents, 5, one)
	if !ok || kept[0] != contents[0] || !reflect.DeepEqual(kept[2:], contents[4:]) || kept[3] != contents[5] {
		t.Errorf("kept %s, ok is %v", show(kept), ok)
	}
}

// It looks at each content once, however many must go. BenchmarkHistory has the time.
func TestEachContentIsMeasuredOnce(t *testing.T) {
	contents, measured := long(10_000), 0
	_, ok := trim.History(contents, 20, func(*genai.Content) int { measured++; return 1 })
	if !ok || measured != len(contents)+1 { // and the mark
		t.Errorf("ok is %v, %d contents were measured, want %d", ok, measured, len(contents)+1)
	}
}

func long(n int) []*genai.Content {
	contents := make([]*genai.Content, 0, n)
	for i := 0; len(contents) < n; i++ {
		id := fmt.Sprint("id", i)
		contents = append(contents, user("question"), called(id, "search"), returned(id, "search"), answer("an answer of some words"))
	}
	return contents
}

func BenchmarkHistory(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		contents := long(n)
		budget := total(contents) / 2
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := trim.History(contents, budget, tokens.OfContent); !ok {
					b.Fatal("it does not fit")
				}
			}
		})
	}
}
