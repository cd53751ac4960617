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
	// 5:26: fallbacks[0].condition: unknown name "latncy" (did you mean latency?); the names are attempt, cache_hit, confidence, cost, data_class, empty, error, error_code, error_kind, finish_reason, labels, latency, priority, tenant, ttft
	// 6:5: fallbacks[1]: missing key name; it must be a name of at most 128 letters, digits, spaces and . _ : / @ | + -, beginning with a letter or digit
	// 6:5: fallbacks[1]: unknown key "nam" (did you mean name?); the keys are name, condition, timeout
	// 8:12: timeouts.primary: must be a duration from 1ms to 1h, such as 30s, not "4 seconds"
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
	// 5:11: warning: fallbacks[1].name: "house" is never used, because template-response before it always answers; move template-response to the end
	// 6:46: warning: timeouts.total: total is 5s, but the targets may take 4s + 4s = 8s; raise it or shorten the other timeouts
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
	// 4:11: fallbacks[0].name: "hosue" is not a known model; add models.hosue.provider, or supply the model from the application
	// 5:14: fallbacks[0].timeout: must be a duration from 1ms to 1h, such as 30s, not "4 seconds"
}
