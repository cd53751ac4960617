package gemini_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"
	"pgregory.net/rapid"
)

// Whatever the arguments are, their pieces add up to them.
func TestArgumentsInPieces(t *testing.T) {
	noEnvironment(t)
	var body string
	m := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, body) })
	ctx := asFitted(t)
	rapid.Check(t, func(t *rapid.T) {
		args := map[string]any{}
		for range rapid.IntRange(0, 4).Draw(t, "fields") {
			args[rapid.StringMatching(`[a-z]{1,3}`).Draw(t, "name")] = drawValue(t, 3)
		}
		documents := []string{parts(`{"functionCall":{"name":"f","willContinue":true}}`)}
		pieces(t, "$", args, func(piece string) {
			documents = append(documents, parts(`{"functionCall":{"partialArgs":[`+piece+`],"willContinue":true}}`))
		})
		body = events(append(documents, parts(`{"functionCall":{}}`, stop))...)
		_, final, err := ask(ctx, m, hello(), true)
		if err != nil {
			t.Fatal(err)
		}
		want := answered{Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{Name: "f", Args: args}}}, Finish: "STOP"}
		if diff := cmp.Diff(want, ofFinal(final)); diff != "" {
			t.Fatalf("answer (-want +got):\n%s", diff)
		}
	})
}

// drawValue makes a value of JSON without empty lists and objects, which have no
// pieces.
func drawValue(t *rapid.T, depth int) any {
	kind := rapid.IntRange(0, 5).Draw(t, "kind")
	if depth == 0 {
		kind %= 4
	}
	switch kind {
	case 0:
		return rapid.StringMatching(`[a-zé"\\. ]{0,12}`).Draw(t, "string")
	case 1:
		return float64(rapid.IntRange(-5, 5).Draw(t, "number"))
	case 2:
		return rapid.Bool().Draw(t, "bool")
	case 3:
		return nil
	case 4:
		list := make([]any, rapid.IntRange(1, 3).Draw(t, "length"))
		for i := range list {
			list[i] = drawValue(t, depth-1)
		}
		return list
	}
	object := map[string]any{}
	for range rapid.IntRange(1, 3).Draw(t, "fields") {
		object[rapid.StringMatching(`[a-z' .]{1,3}`).Draw(t, "name")] = drawValue(t, depth-1)
	}
	return object
}

// pieces gives each leaf of value, strings in halves.
func pieces(t *rapid.T, path string, value any, give func(string)) {
	quoted, _ := json.Marshal(path)
	switch value := value.(type) {
	case string:
		runes := []rune(value)
		at := rapid.IntRange(0, len(runes)).Draw(t, "cut")
		for i, half := range []string{string(runes[:at]), string(runes[at:])} {
			text, _ := json.Marshal(half)
			give(fmt.Sprintf(`{"jsonPath":%s,"stringValue":%s,"willContinue":%t}`, quoted, text, i == 0))
		}
	case float64:
		give(fmt.Sprintf(`{"jsonPath":%s,"numberValue":%v}`, quoted, value))
	case bool:
		give(fmt.Sprintf(`{"jsonPath":%s,"boolValue":%v}`, quoted, value))
	case nil:
		give(fmt.Sprintf(`{"jsonPath":%s,"nullValue":null}`, quoted))
	case []any:
		for i := range value {
			pieces(t, fmt.Sprintf("%s[%d]", path, i), value[i], give)
		}
	case map[string]any:
		for name := range value {
			step := "." + name
			if strings.ContainsAny(name, "' .") {
				step = "['" + strings.ReplaceAll(name, "'", `\'`) + "']"
			}
			pieces(t, path+step, value[name], give)
		}
	}
}
