package main

import (
	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/tool"
	"google.golang.org/adk/v2/tool/functiontool"
)

type place struct {
	City string `json:"city" jsonschema:"name of the city"`
}

type report struct {
	City    string `json:"city"`
	Sky     string `json:"sky"`
	Celsius int    `json:"celsius"`
}

// weatherTool returns the agent's only tool.
func weatherTool() (tool.Tool, error) {
	return functiontool.New(functiontool.Config{Name: "weather", Description: "Returns the current weather of a city."}, weather)
}

// weather makes the weather up, the same each time.
func weather(_ agent.Context, where place) (report, error) {
	skies := []string{"sunny", "cloudy", "rainy", "windy", "foggy"}
	n := int(where.City[0])
	return report{City: where.City, Sky: skies[n%len(skies)], Celsius: 10 + n%17}, nil
}
