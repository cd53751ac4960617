package main

// style writes words in the colours of a terminal, or plain.
type style struct{ on bool }

// The escape sequences of ECMA-48 that style uses.
const (
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	reset  = "\x1b[0m"
)

func (s style) in(color, text string) string {
	if !s.on {
		return text
	}
	return color + text + reset
}
