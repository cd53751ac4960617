package main

import (
	"strings"

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
	return functiontool.New(functiontool.Config{
		Name:        "weather",
		Description: "Returns the current weather of a city.",
	}, weather)
}

// weather makes the weather up, the same each time.
func weather(_ agent.Context, where place) (report, error) {
	switch strings.ToLower(where.City) {
	case "berlin":
		return report{where.City, "sunny", 24}, nil
	case "paris":
		return report{where.City, "cloudy", 21}, nil
	case "oslo":
		return report{where.City, "snowing", -3}, nil
	default:
		return report{where.City, "mild", 18}, nil
	}
}
