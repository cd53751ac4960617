package trim_test

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/trim"
)

// step is a content with calls (c) and responses (r) by id, and nil parts between them.
func step(role string, words ...string) *genai.Content {
	c := &genai.Content{Role: role, Parts: []*genai.Part{nil}}
	for _, w := range words {
		p := &genai.Part{FunctionCall: &genai.FunctionCall{ID: w[1:], Name: "f"}}
		if w[0] == 'r' {
			p = &genai.Part{FunctionResponse: &genai.FunctionResponse{ID: w[1:], Name: "f"}}
		}
		c.Parts = append(c.Parts, p, nil)
	}
	return c
}

// B64: what is cut out ends where no call is open: parallel calls, responses in one or
// several contents, in any order, with nil parts among them.
func TestPairsOfParallelCalls(t *testing.T) {
	for name, test := range map[string]struct {
		middle []*genai.Content // between u1 a1 u2 and a2 u3
		ends   []int            // where a cut may end, as indices of the whole
	}{
		"responses in one content":      {[]*genai.Content{step("model", "c1", "c2"), step("user", "r1", "r2"), step("model", "c3"), step("user", "r3")}, []int{2, 3, 5, 8}},
		"responses in several contents": {[]*genai.Content{step("model", "c1", "c2"), step("user", "r1"), step("user", "r2"), step("model", "c3"), step("user", "r3")}, []int{2, 3, 6, 9}},
		"in another order":              {[]*genai.Content{step("model", "c1", "c2"), step("user", "r2"), nil, step("user", "r1"), step("model", "c3"), step("user", "r3")}, []int{2, 3, 7, 10}},
		"one comes after another call":  {[]*genai.Content{step("model", "c1", "c2"), step("user", "r1"), step("model", "c3"), step("user", "r3", "r2"), step("model", "c4"), step("user", "r4")}, []int{2, 3, 7, 10}},
		"one never comes":               {[]*genai.Content{step("model", "c1", "c2"), step("user", "r1"), step("model", "c3"), step("user", "r3")}, []int{2, 3, 5, 8}},
	} {
		t.Run(name, func(t *testing.T) {
			contents := append([]*genai.Content{user("u1"), answer("a1"), user("u2")}, test.middle...)
			contents = append(contents, answer("a2"), user("u3"))
			for budget := 3; budget < len(contents); budget++ {
				want := len(contents) // the first of these ends that leaves enough room for u1 and the mark
				for _, end := range slices.Backward(test.ends) {
					if 2+len(contents)-end <= budget {
						want = end
					}
				}
				kept, ok := trim.History(contents, budget, one)
				if !ok || !slices.Equal(kept[2:], contents[want:]) {
					t.Errorf("budget %d: kept %s, want %s after the mark", budget, ids(kept), ids(contents[want:]))
				}
			}
		})
	}
}

// ids lists the calls and responses of contents.
func ids(contents []*genai.Content) (list []string) {
	for _, c := range contents {
		if c == nil {
			continue
		}
		for _, p := range c.Parts {
			switch {
			case p == nil:
			case p.FunctionCall != nil:
				list = append(list, "c"+p.FunctionCall.ID)
			case p.FunctionResponse != nil:
				list = append(list, "r"+p.FunctionResponse.ID)
			default:
				list = append(list, fmt.Sprintf("%.5s", p.Text))
			}
		}
	}
	return list
}
