package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// script makes p a provider whose root model is out of its daily quota while the
// user's message contains the word "quota". It decides by the message only, so that it
// serves the transcript and a chat alike.
func script(p *fallbacktest.Provider) {
	p.Script(rootModel, fallbacktest.Func(func(r fallbacktest.Request) fallbacktest.Step {
		if strings.Contains(strings.ToLower(question(r)), "quota") {
			return fallbacktest.DailyQuota()
		}
		return answer(r)
	}))
	p.Script(fallbackModel, fallbacktest.Func(answer))
	p.Script(lastModel, fallbacktest.Func(answer))
}

// city finds "New York" in "weather in New York now?" and "oslo" in "weather in oslo".
var city = regexp.MustCompile(`\bin ((?:\p{Lu}[\p{L}'-]*\s?)+|\p{L}+)`)

// answer is the answer of a healthy model: a call of the tool, then its result. To
// other questions it explains the sample.
func answer(r fallbacktest.Request) fallbacktest.Step {
	if result := r.FunctionResponse("weather"); result != nil {
		w := result.Response
		return fallbacktest.Text(fmt.Sprintf("It is %v and %v °C in %v.", w["sky"], w["celsius"], w["city"]))
	}
	asked := question(r)
	if !strings.Contains(strings.ToLower(asked), "weather") {
		return fallbacktest.Text(fmt.Sprintf("I am %s, played by a server inside this program. Ask me for the weather in a city. "+
			"While your message has the word quota in it, %s is out of its daily quota.", r.Model, rootModel))
	}
	where := "Berlin"
	if found := city.FindStringSubmatch(asked); found != nil {
		where = strings.TrimSpace(found[1])
	}
	return fallbacktest.ToolCall("weather", map[string]any{"city": where})
}

// question returns the user's latest message, which the calls and results of
// tools may follow.
func question(r fallbacktest.Request) string {
	for _, content := range slices.Backward(r.Contents) {
		if content.Role != genai.RoleUser {
			continue
		}
		var text strings.Builder
		for _, part := range content.Parts {
			text.WriteString(part.Text)
		}
		if text.Len() > 0 {
			return text.String()
		}
	}
	return ""
}
