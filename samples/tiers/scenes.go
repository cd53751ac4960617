package main

import (
	"context"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// The models, from the best to the one on the shop's own machine.
const (
	flashName  = "gemini-3.5-flash"
	gptName    = "gpt-4.1"
	claudeName = "claude-sonnet-5"
	localName  = "qwen3"
)

// The customers' questions.
const (
	hours  = "When do you open?"
	repair = "Do you repair watches?"
	dog    = "May I bring my dog?"
	gift   = "Do you wrap gifts?"
)

var answers = map[string]string{
	hours:  "We open at nine, from Monday to Saturday.",
	repair: "Yes, we repair watches, most of them within a week.",
	dog:    "Yes, dogs on a leash are welcome.",
	gift:   "Yes, we wrap gifts, and it costs nothing.",
}

// scene is what happens before a customer asks.
type scene struct {
	happens  string
	model    string    // that goes down or comes back; "" for none
	fault    []ft.Step // what it does from now on; nil if it is back
	backup   string    // a statement that another program executes in the queue's file; optional
	question string
}

// scenes take every tier down, from the first to the last but one, and bring them back.
// The tiers after the models need no fault: a question that nobody asked before is not in
// the cache, and one that the handbook does not treat is not found there.
var scenes = []scene{
	{happens: "all tiers are up", question: hours},
	{happens: flashName + " is overloaded", model: flashName, fault: steps{ft.Overloaded()}, question: hours},
	{happens: gptName + " has an internal error", model: gptName, fault: steps{ft.Internal()}, question: hours},
	{happens: claudeName + " is cut off in its answer, then overloaded", model: claudeName, fault: steps{ft.Text(answers[hours]).AbortAfter(4), ft.Overloaded()}, question: hours},
	{happens: localName + " is gone: the connection is reset", model: localName, fault: steps{ft.Reset()}, question: hours},
	{happens: "a question that the cache does not know", question: repair},
	{happens: "a question that the handbook does not know", question: dog},
	{happens: "a backup has locked the queue", backup: "BEGIN IMMEDIATE", question: gift},
	{happens: "the backup is done", backup: "ROLLBACK", question: gift},
	{happens: "a question that the handbook knows", question: repair},
	{happens: "a question that the cache knows", question: hours},
	{happens: localName + " is back", model: localName, question: repair},
	{happens: claudeName + " is back", model: claudeName, question: dog},
	{happens: gptName + " is back", model: gptName, question: gift},
	{happens: flashName + " is back", model: flashName, question: hours},
}

type steps = []ft.Step

// script lets a model fail, or answer if there is no fault.
func script(server *ft.Server, name string, fault []ft.Step) {
	if fault != nil {
		server.Script(name, fault...)
		return
	}
	server.Script(name, ft.Func(func(r ft.Request) ft.Step { return ft.Text(answers[r.Text()]).Pace(time.Millisecond) }))
}

// handbook is what retrieval searches.
func handbook(_ context.Context, question string) ([]degrade.Passage, error) {
	if strings.Contains(question, "repair") {
		return []degrade.Passage{{Text: "Repairs: bring the watch to the counter. It takes a week.", Source: "Handbook, page 12"}}, nil
	}
	return nil, nil
}
