package guard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
)

// redacted returns what a target that may not see personal data is given of req; nil if
// it is refused.
func redacted(t *testing.T, req *model.LLMRequest) *model.LLMRequest {
	t.Helper()
	seen, err := guard.Redact(t.Context(), req, guard.Target{})
	if err != nil {
		if !strings.Contains(err.Error(), "cannot be redacted") {
			t.Error(err)
		}
		return nil
	}
	return seen
}

const secret = "ann.smith@example.org"

// Personal data is found in every kind of part that reaches a model, and the
// caller's request stays as it is. B79, B60
func TestRedactionReadsAllKindsOfParts(t *testing.T) {
	call := func(args any) *genai.Part {
		return &genai.Part{FunctionCall: &genai.FunctionCall{ID: "call_1", Name: "find", Args: map[string]any{"a": args}}}
	}
	for name, part := range map[string]*genai.Part{
		"a text":               {Text: secret},
		"a thought":            {Text: secret, Thought: true},
		"arguments":            call(secret),
		"a list of texts":      call([]string{secret}),
		"a map of texts":       call(map[string]string{"x": secret}),
		"a list of objects":    call([]map[string]any{{"x": secret}}),
		"a struct":             call(struct{ Mail string }{secret}),
		"a pointer":            call(&struct{ Mail string }{secret}),
		"a key":                call(map[string]int{secret: 1}),
		"a result":             {FunctionResponse: &genai.FunctionResponse{Name: "find", Response: map[string]any{"rows": []any{map[string]any{"x": secret}}}}},
		"code":                 {ExecutableCode: &genai.ExecutableCode{Code: "send('" + secret + "')"}},
		"the output of code":   {CodeExecutionResult: &genai.CodeExecutionResult{Outcome: genai.OutcomeOK, Output: secret}},
		"a server's tool call": {ToolCall: &genai.ToolCall{Args: map[string]any{"q": secret}}},
		"a server's result":    {ToolResponse: &genai.ToolResponse{Response: map[string]any{"q": secret}}},
		"metadata":             {PartMetadata: map[string]any{"from": secret}},
	} {
		req := ofParts(part)
		before := jsonOf(t, req)
		got := redacted(t, req)
		if got == nil {
			t.Errorf("%s is refused", name)
		} else if text := jsonOf(t, got); strings.Contains(text, secret) || !strings.Contains(text, "[redacted]") {
			t.Errorf("%s: the model saw %s", name, text)
		}
		if jsonOf(t, req) != before {
			t.Errorf("%s: the caller's request was changed", name)
		}
	}
}

// hidden is not exported; its field is.
type hidden struct{ File []byte }

// What JSON has as text, or leaves out, is read as that. B79
func TestBytesThatAreSentAsTextAreRedacted(t *testing.T) {
	for name, test := range map[string]struct{ result, want any }{
		"JSON that is written already": {json.RawMessage(`"` + secret + `"`), "[redacted]"},
		"a type with a text":           {net.IPv4(192, 0, 2, 1), "192.0.2.1"},
		"no bytes":                     {[]byte{}, ""},
		"what JSON leaves out": {struct {
			Key []byte `json:"-"`
			own []byte
		}{[]byte("x"), []byte("x")}, map[string]any{}},
		"a time": {time.Date(1, 2, 3, 0, 0, 0, 0, time.UTC), "[redacted]T00:00:00Z"},
	} {
		got := redacted(t, ofParts(withResult(test.result)))
		if got == nil {
			t.Errorf("%s is refused", name)
		} else if diff := cmp.Diff(map[string]any{"result": test.want}, got.Contents[0].Parts[0].FunctionResponse.Response); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// An object of thousands of personal keys takes no longer than their text, and no
// key is lost. B79
func TestRedactionNumbersManyKeys(t *testing.T) {
	const keys = 20_000
	object := map[string]any{"[redacted] 3": "its own"}
	for i := range keys {
		object[strconv.Itoa(1_000_000_000+i)] = i
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := redacted(t, ofParts(&genai.Part{FunctionResponse: &genai.FunctionResponse{Name: "find", Response: object}})).Contents[0].Parts[0].FunctionResponse.Response
	if len(got) != keys+1 || got["[redacted]"] != 0.0 || got["[redacted] 2"] != 1.0 || got["[redacted] 3"] != 2.0 {
		t.Errorf("%d keys of %d: %v, %v, %v are the first", len(got), keys+1, got["[redacted]"], got["[redacted] 2"], got["[redacted] 3"])
	}
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > 200*keys { // numbering each key from 2 on makes 200 million names
		t.Errorf("%d allocations for %d keys", n, keys)
	}
}

// What cannot be redacted is not sent. B79
func TestWhatCannotBeRedactedIsRefused(t *testing.T) {
	for name, req := range map[string]*model.LLMRequest{
		"an image":                   ofParts(withFile("image/png")),
		"a file elsewhere":           ofParts(&genai.Part{FileData: &genai.FileData{FileURI: "gs://b/o"}}),
		"a tool's file":              ofParts(&genai.Part{FunctionResponse: &genai.FunctionResponse{Parts: []*genai.FunctionResponsePart{{}}}}),
		"arguments that still come":  ofParts(&genai.Part{FunctionCall: &genai.FunctionCall{PartialArgs: []*genai.PartialArg{{StringValue: secret}}}}),
		"a transcription":            ofParts(&genai.Part{AudioTranscription: &genai.Transcription{Text: secret}}),
		"bytes":                      ofParts(withResult([]byte(secret))),
		"bytes in a list":            ofParts(withResult([]any{1, []byte(secret)})),
		"bytes in a struct":          ofParts(withResult(&struct{ File []byte }{[]byte(secret)})),
		"bytes in an embedded one":   ofParts(withResult(struct{ hidden }{hidden{[]byte(secret)}})),
		"an array of bytes":          ofParts(withResult([3]byte{'a', 'n', 'n'})),
		"a value that is no JSON":    ofParts(&genai.Part{FunctionCall: &genai.FunctionCall{Args: map[string]any{"f": func() {}}}}),
		"an image among texts":       ofParts(&genai.Part{Text: "look"}, withFile("image/png")),
		"a system instruction's":     {Contents: genai.Text("hi"), Config: &genai.GenerateContentConfig{SystemInstruction: &genai.Content{Parts: []*genai.Part{withFile("image/png")}}}},
		"what the provider has kept": {Contents: genai.Text("hi"), Config: &genai.GenerateContentConfig{CachedContent: "cachedContents/1"}},
	} {
		if got := redacted(t, req); got != nil {
			t.Errorf("%s: the model saw %s", name, jsonOf(t, got))
		}
	}
}

// Fields that a newer genai adds are refused until somebody says how they are
// redacted. B79
func TestNoFieldOfAPartIsOverlooked(t *testing.T) {
	named := []string{"ID", "Name", "ToolType", "Language", "Outcome", "Scheduling"} // what holds a history together, and enums
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			v.SetString(secret)
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem())
		case reflect.Struct:
			for i := range v.NumField() {
				if field := v.Type().Field(i); field.IsExported() && !slices.Contains(named, field.Name) {
					fill(v.Field(i))
				}
			}
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0))
		case reflect.Map:
			v.Set(reflect.ValueOf(map[string]any{"x": secret}))
		case reflect.Uint8:
			v.SetUint('x')
		}
	}
	for i := range reflect.TypeFor[genai.Part]().NumField() {
		part := &genai.Part{}
		fill(reflect.ValueOf(part).Elem().Field(i))
		got := redacted(t, ofParts(part, &genai.Part{Text: "hi"}))
		if got == nil {
			continue
		}
		if seen := got.Contents[0].Parts[0]; strings.Contains(jsonOf(t, seen), secret) || len(seen.ThoughtSignature) > 0 {
			t.Errorf("%s: the model saw %s", reflect.TypeFor[genai.Part]().Field(i).Name, jsonOf(t, seen))
		}
	}
}

// B79
func TestRedactionReadsTheConfiguration(t *testing.T) {
	req := ofParts(&genai.Part{Text: "hi"})
	req.Config = &genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText("You serve "+secret, ""), Labels: map[string]string{"user": secret, "team": "x"}}
	req.Config.ToolConfig = &genai.ToolConfig{RetrievalConfig: &genai.RetrievalConfig{LatLng: &genai.LatLng{Latitude: genai.Ptr(52.5)}, LanguageCode: "de"}}
	got := redacted(t, req).Config
	if text := got.SystemInstruction.Parts[0].Text; text != "You serve [redacted]" {
		t.Errorf("system instruction %q", text)
	}
	if diff := cmp.Diff(map[string]string{"user": "[redacted]", "team": "x"}, got.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if location := got.ToolConfig.RetrievalConfig; location.LatLng != nil || location.LanguageCode != "de" {
		t.Errorf("the user's location: %s", jsonOf(t, location))
	}
	if req.Config.ToolConfig.RetrievalConfig.LatLng == nil {
		t.Error("the caller's location was changed")
	}
	if text := jsonOf(t, req.Config); strings.Count(text, secret) != 2 {
		t.Errorf("the caller's configuration was changed: %s", text)
	}
}

// Values keep their form; keys that are equal when they are redacted are told
// apart.
func TestRedactionKeepsTheFormOfValues(t *testing.T) {
	got := redacted(t, ofParts(&genai.Part{FunctionCall: &genai.FunctionCall{ID: "call_1", Name: "find", Args: map[string]any{
		"card": 4111111111111111, "float": 4111111111111111.0, "age": 42, "price": 19.99, "yes": true, "none": nil,
		"list": []any{1, "x"}, "by": map[string]any{"a@example.org": nil, "b@example.org": 2},
	}}}))
	want := &genai.FunctionCall{ID: "call_1", Name: "find", Args: map[string]any{
		"card": "[redacted]", "float": "[redacted]", "age": 42.0, "price": 19.99, "yes": true, "none": nil,
		"list": []any{1.0, "x"}, "by": map[string]any{"[redacted]": nil, "[redacted] 2": 2.0},
	}}
	if diff := cmp.Diff(want, got.Contents[0].Parts[0].FunctionCall); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
}

// Personal data is recognized in any digits, spaces and dashes; other text stays
// as it is, byte for byte.
func TestRedactionOfTexts(t *testing.T) {
	const none = "[redacted]"
	for text, want := range map[string]string{
		"4111 1111 1111 1111":                     none,
		"4111\u00a01111\u20091111\u202f1111":      none,
		"4111‑1111–1111−1111":                     none,
		"4111\u200b1111\u20601111\u200d1111":      none,
		"4111\t1111\t1111\t1111":                  none,
		"４１１１１１１１１１１１１１１１":                        none,
		"٠١٥٧ ٧١٢٣ ٤٥٦٧":                          none,
		"०१५७७१२३४५६७":                            none,
		"𝟜𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙":                        none,
		"12345678901234567890123456789":           none,
		"4111   1111    1111     1111":            none,
		"4111,1111,1111,1111":                     none,
		"+49_170_1234_567":                        none,
		"+49 (0) - 170 / 12 34 56":                none,
		"4\ufe0f\u20e31\ufe0f\u20e31\u20e31111 1": none,
		"4111 \ufe0e1111":                         none,
		"41\u034f11\u03011111":                    none,
		"12, 15, 33, 47, 1,299":                   "12, 15, 33, 47, 1,299",
		"फ़ुल 12345678":                           "फ़ुल " + none,
		"ａｎｎ＠ｅｘａｍｐｌｅ．ｏｒｇ":                         none,
		"ann\u200b@example.org":                   none,
		"jürgen@müller.de":                        none,
		"DE89 3704 0044 0532 0130 00":             none,
		"de89370400440532013000":                  none,
		"gb29nwbk60161331926819":                  none,
		"call (030) 123-4567 now":                 "call (" + none + " now",
		"on 3 May 2026, at 10:30":                 "on 3 May 2026, at 10:30",
		"\tif x {\r":                              "\tif x {\r",
		"عندي ٣ قطط":                              "عندي ٣ قطط",
		"ＡＢＣ\u00a0– 12\u200d３":                    "ＡＢＣ\u00a0– 12\u200d３",
		"عندي ٣ قطط\u060c رقمي 4111 1111 1111":    "عندي 3 قطط\u060c رقمي " + none,
		"one\ntwo ann@example.org\nthree\u00a0":   "one\ntwo " + none + "\nthree\u00a0",
	} {
		if got := redacted(t, ofParts(&genai.Part{Text: text})).Contents[0].Parts[0].Text; got != want {
			t.Errorf("%q: the model saw %q, want %q", text, got, want)
		}
	}
}

// A target with a signature that was made of unredacted text gets none of it.
func TestRedactionDropsSignatures(t *testing.T) {
	got := redacted(t, ofParts(&genai.Part{FunctionCall: &genai.FunctionCall{Name: "find"}, ThoughtSignature: []byte("sig")}))
	if signature := got.Contents[0].Parts[0].ThoughtSignature; signature != nil {
		t.Errorf("signature %q", signature)
	}
}

// Secrets are taken out before personal data, so that the digits in them do not
// break them up, and over lines. B131
func TestRedactionTakesSecretsOutWhole(t *testing.T) {
	const none = "[redacted]"
	for text, want := range map[string]string{
		"ann.smith.4915112345678@example.org":                                                                 none,
		"key AIzaSyA1234567890_12345678901-87654321ab":                                                        "key " + none,
		"id 12345678-1234-1234-1234-123456789012 of":                                                          "id " + none + " of",
		"sk-proj-1234567890abcd1234567890efgh":                                                                none,
		"two\n-----BEGIN PRIVATE KEY-----\nMIIE12345678\n90ab==\n-----END PRIVATE KEY-----\u00a0\nlast\u00a0": "two\n" + none + " \nlast\u00a0",
		"a\u00a0\npassword:\n  hunter22\n4111 1111 1111 1111\nb\u00a0\n":                                      "a\u00a0\npassword:\n  " + none + "\n" + none + "\nb\u00a0\n",
		`{"password": "hunter2", "card": 4111111111111111}`:                                                   `{"password": "` + none + `", "card": ` + none + `}`,
		"ann@example.org\nＡＢ\nbob@example.org\n":                                                              none + "\nＡＢ\n" + none + "\n",
		"ask the project manager:\n the primary key: x, Monkey: y\u00a0":                                      "ask the project manager:\n the primary key: x, Monkey: y\u00a0",
	} {
		if got := redacted(t, ofParts(&genai.Part{Text: text})).Contents[0].Parts[0].Text; got != want {
			t.Errorf("%q: the model saw %q, want %q", text, got, want)
		}
	}
}

// The key of a value says whether it is a secret. B131
func TestRedactionReadsValuesWithTheirKeys(t *testing.T) {
	got := redacted(t, ofParts(&genai.Part{FunctionResponse: &genai.FunctionResponse{Name: "find", Response: map[string]any{
		"password": "hunter two", "pin": "x", "apiKey": "abc", "token": 123456789, "key": "colour", "primary_key": "row2024",
		"passwords": map[string]any{"passwd": []any{"one", map[string]any{"new": "two"}}, "max_tokens": 4096},
		"env":       []any{map[string]any{"name": "DB_PASSWORD", "value": "three"}, map[string]any{"name": "HOME", "value": "/home/ann"}},
		"schema":    map[string]any{"password": map[string]any{"type": "string"}},
	}}})).Contents[0].Parts[0].FunctionResponse.Response
	const none = "[redacted]"
	want := map[string]any{
		"password": none, "pin": "x", "apiKey": none, "token": none, "key": "colour", "primary_key": "row2024",
		"passwords": map[string]any{"passwd": []any{none, map[string]any{"new": none}}, "max_tokens": 4096.0},
		"env":       []any{map[string]any{"name": "DB_PASSWORD", "value": none}, map[string]any{"name": "HOME", "value": "/home/ann"}},
		"schema":    map[string]any{"password": map[string]any{"type": "string"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the model saw (-want +got):\n%s", diff)
	}
}

// What is beside a value says whether it is a secret, whatever the two fields are called,
// in an object and in JSON in a text. B131
func TestRedactionReadsValuesWithTheirNames(t *testing.T) {
	const value = "three words here"
	nested := func(v any) any { return map[string]any{"a": []any{1, map[string]any{"b": v}}} }
	pair := func(name, field string) map[string]any {
		return map[string]any{name: "DB_PASSWORD", field: value, "zone": "eu"}
	}
	for name, object := range map[string]any{
		"name":             pair("name", "value"),
		"key":              pair("key", "value"),
		"Name":             pair("Name", "Value"),
		"AWS":              map[string]any{"Tags": []any{pair("Key", "Value"), map[string]any{"Key": "zone", "Value": "eu"}}},
		"KEY":              pair("KEY", "VALUE"),
		"camelCase":        pair("headerName", "headerValue"),
		"CloudFormation":   pair("ParameterKey", "ParameterValue"),
		"snake_case":       pair("param_name", "param_value"),
		"one letter":       pair("k", "v"),
		"a form":           map[string]any{"type": "password", "value": value},
		"a variable":       pair("variable", "val"),
		"white space":      pair("name ", " value"),
		"another width":    pair("ｎａｍｅ", "ｖａｌｕｅ"),
		"nested":           nested(pair("Key", "Value")),
		"a value beneath":  map[string]any{"key": "http.header.authorization", "value": map[string]any{"stringValue": value}},
		"values":           map[string]any{"name": "X-Api-Key", "values": []any{"a", value}},
		"lists":            map[string]any{"names": []any{"user", "password"}, "values": []any{"ann", value}},
		"pairs":            []any{[]any{"Accept", "*/*"}, []any{"X-Api-Key", value}},
		"a pair":           map[string]any{"header": []any{"Authorization", value}},
		"a command":        []any{"mysql", "--user", "ann", "--password", value},
		"a name in pieces": map[string]any{"name": "pass\u200bword", "value": value},
		"JSON in a string": map[string]any{"body": jsonOf(t, pair("Key", "Value"))},
	} {
		text := jsonOf(t, object)
		for place, part := range map[string]*genai.Part{
			"an object": withResult(object), "JSON": {Text: text}, "a string": withResult(text), "a sentence": {Text: "It said {\"a: " + text + " to me, [not] \"her\"."},
			"lines": {Text: "{\"a\": 1}\n" + text + "\n" + text},
		} {
			if got := jsonOf(t, redacted(t, ofParts(part))); strings.Contains(got, value) || !strings.Contains(got, "[redacted]") {
				t.Errorf("%s, %s: the model saw %s", name, place, got)
			}
		}
	}
}

// Values with another name stay, and so does JSON without secrets, byte for byte.
func TestRedactionKeepsValuesOfOtherNames(t *testing.T) {
	for _, text := range []string{
		`{"name": "HOME",  "value": "/home/ann"}`, `{ "Key": "zone", "Value": "eu" }`, `{"name": "max_tokens", "value": 4096}`, `[["a", "b"], ["password"]]`,
		`{"name": "password", "required": true, "value": null}`, `{"name": "password", "minimum": 12}`, `{"key": "primary_key", "value": "row2024"}`,
		`{"columns": ["id", "password", "name"]}`, `["--verbose", "yes"]`, `see [1] and {"a": [1, 2.50]}, "quoted"`,
	} {
		if got := redacted(t, ofParts(&genai.Part{Text: text})).Contents[0].Parts[0].Text; got != text {
			t.Errorf("%s: the model saw %s", text, got)
		}
	}
}

// Texts that look like much JSON stay as they are. If the time grew with the square of their
// length, this would exceed the time limit of go test.
func TestRedactionOfMuchJSON(t *testing.T) {
	for name, text := range map[string]string{
		"lines":     strings.Repeat(`{"a": "b", "list": [1]}`+"\n", 20_000),
		"numbers":   strings.Repeat("[1] ", 100_000) + `"`,
		"brackets":  strings.Repeat(`["{`, 150_000),
		"no end":    strings.Repeat(`{"a":[`, 5_000),
		"in itself": nestedJSON(t, 14),
	} {
		if got := redacted(t, ofParts(&genai.Part{Text: text})).Contents[0].Parts[0].Text; got != text {
			t.Errorf("%s: the text was changed", name)
		}
	}
}

// nestedJSON returns an object in a string of an object, and so on.
func nestedJSON(t *testing.T, depth int) string {
	t.Helper()
	text := `{"a":"b"}`
	for range depth {
		text = jsonOf(t, map[string]any{"a": text})
	}
	return text
}

func ExampleRedact() {
	req := &model.LLMRequest{Contents: genai.Text("Call +49 30 1234567 or mail ann@example.org by 3 May 2026.")}
	seen, err := guard.Redact(context.Background(), req, guard.Target{Name: "gpt-4o"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(seen.Contents[0].Parts[0].Text)
	// Output: Call [redacted] or mail [redacted] by 3 May 2026.
}
