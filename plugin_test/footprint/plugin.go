//go:build plugin

package main

import (
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/plugin"

	"github.com/adk-fallback/adk-fallback/plugin/fallback"
)

func init() {
	plugins = func(m model.LLM) ([]*plugin.Plugin, error) {
		p, err := fallback.New(fallback.Config{Recover: m})
		return []*plugin.Plugin{p}, err
	}
}
