package spec_test

import (
	"fmt"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

func ExampleParse() {
	_, err := spec.Parse([]byte(`
primary: gemini-2.5-flash
fallbacks:
  - name: gpt-4o
    condition: "error || latncy > 3s"
  - nam: template-response
timeouts:
  primary: 4 seconds
`))
	fmt.Println(err)
	// Output:
	// policy: the file has problems:
	// 5:26: fallbacks[0].condition: found unknown name "latncy" (did you mean latency?); allowed: attempt, cache_hit, confidence, cost, data_class, empty, error, error_code, error_kind, finish_reason, labels, latency, priority, tenant, ttft
	// 6:5: fallbacks[1]: found no key name; allowed: name, which is a name: letters, digits and . _ : / @ -, at most 128 characters
	// 6:5: fallbacks[1]: found the unknown key "nam" (did you mean name?); allowed: name, condition, timeout
	// 8:12: timeouts.primary: found "4 seconds"; allowed: a duration from 1ms to 1h, such as 30s
}

func ExampleCheck() {
	p, err := spec.Parse([]byte(`
primary: gemini-2.5-flash
fallbacks:
  - name: template-response
  - name: house
timeouts: {primary: 4s, fallback: 4s, total: 5s}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	handedIn := spec.Known{Model: func(name string) bool { return name == "house" }}
	for _, problem := range spec.Check(p, handedIn) {
		fmt.Println(problem)
	}
	// Output:
	// 5:11: warning: fallbacks[1].name: found "house" after template-response, which always answers; allowed: template-response as the last entry
	// 6:46: warning: timeouts.total: found 5s, but the targets may take 4s + 4s = 8s; allowed: a total of at least 8s, or shorter timeouts
}

func ExampleKnown_Parse() {
	handedIn := spec.Known{Model: func(name string) bool { return name == "house" }}
	_, err := handedIn.Parse([]byte(`
primary: house
fallbacks:
  - name: hosue
    timeout: 4 seconds
`))
	fmt.Println(err)
	// Output:
	// policy: the file has problems:
	// 4:11: fallbacks[0].name: found "hosue", which nothing here resolves; allowed: gemini-*, gpt-*, o* or claude-*, a model with a provider under models, one that the application hands in, cached-answer or template-response
	// 5:14: fallbacks[0].timeout: found "4 seconds"; allowed: a duration from 1ms to 1h, such as 30s
}
