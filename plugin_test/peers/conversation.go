package peers

import (
	"fmt"
	"strings"
)

// The conversation of a row that sets no other.
const (
	system   = "You are the assistant of a railway. Answer in one paragraph, name the train and its platform."
	greeting = "Hello"
	earlier  = "Good morning! I can help you with connections, tickets and lost property. What would you like to know?"
	question = "When does the next train to Zurich leave, and from which platform? I am at the main station."
)

// The tools of a row differ in their names only.
const (
	toolText = "Returns the weather of a city on a day."
	cityText = "The city, with its country if there are several."
	dayText  = "The day, as in 2026-05-01."
)

// author is who wrote a message.
type author int

const (
	bySystem author = iota
	byUser
	byModel
)

type message struct {
	by   author
	text string
}

// conversation returns the messages of the row: the system's, then the user's and
// the model's in turns. The last one is the user's.
func (r Row) conversation() []message {
	all := []message{{bySystem, system}, {byUser, greeting}, {byModel, earlier}, {byUser, question}}
	if r.Messages > 0 {
		all = all[:1]
		for i := range r.Messages - 1 {
			by := byUser
			if i%2 == 1 {
				by = byModel
			}
			all = append(all, message{by, strings.Repeat("word ", 100)})
		}
		all[len(all)-1].by = byUser
	}
	if r.Bytes > 0 {
		all[len(all)-1].text = strings.Repeat("ask ", r.Bytes/4)
	}
	return all
}

// tools returns the names of the row's tools.
func (r Row) tools() (names []string) {
	for i := range r.Tools {
		names = append(names, fmt.Sprintf("tool_%02d", i))
	}
	return names
}

// words returns n words. All are different, so that no part of an answer looks like
// another.
func words(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%05d lorem ipsum ", i)
	}
	return all
}
