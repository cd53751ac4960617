package main

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/tool"
	"google.golang.org/adk/v2/tool/functiontool"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

const (
	flash = "gemini-2.5-flash"
	pro   = "gemini-2.5-pro"
	lite  = "gemini-2.5-flash-lite"
)

// pace is how long a healthy model takes.
const pace = 100 * time.Millisecond

// cities of the questions, in turn.
var cities = []string{"Berlin", "Paris", "Oslo"}

// script makes p a provider whose models fail for one city each: flash is overloaded
// when the question is about Paris, lite is silent for a minute when it is about
// Oslo. pro never fails.
func script(p *ft.Provider) {
	p.Script(pro, ft.Func(answer))
	p.Script(flash, ft.Func(func(r ft.Request) ft.Step {
		if about(r) == "Paris" {
			return ft.Overloaded()
		}
		return answer(r)
	}))
	p.Script(lite, ft.Func(func(r ft.Request) ft.Step {
		if about(r) == "Oslo" {
			return answer(r).After(time.Minute)
		}
		return answer(r)
	}))
}

// answer is the answer of a healthy model: a call of the tool, then its result.
func answer(r ft.Request) ft.Step {
	if result := r.FunctionResponse("weather"); result != nil {
		return ft.Text(fmt.Sprintf("It is %v in %v.", result.Response["sky"], about(r))).After(pace)
	}
	return ft.ToolCall("weather", map[string]any{"city": about(r)}).After(pace)
}

// about returns the city in the user's question.
func about(r ft.Request) string {
	for _, city := range cities {
		for _, content := range r.Contents {
			for _, part := range content.Parts {
				if strings.Contains(part.Text, city+"?") {
					return city
				}
			}
		}
	}
	return ""
}

type place struct {
	City string `json:"city" jsonschema:"name of the city"`
}

type report struct {
	Sky string `json:"sky"`
}

// weatherTool returns the agent's tool, whose weather never changes.
func weatherTool() (tool.Tool, error) {
	skies := map[string]string{"Berlin": "sunny", "Paris": "cloudy", "Oslo": "snowing"}
	return functiontool.New(functiontool.Config{Name: "weather", Description: "Returns the current weather of a city."},
		func(_ agent.Context, where place) (report, error) { return report{skies[where.City]}, nil })
}
