package main

import (
	"io"
	"io/fs"
	"os"
	"runtime"
)

// style writes words in the colours of a terminal, or plain.
type style struct{ on bool }

// The escape sequences of ECMA-48 that style uses.
const (
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	reset  = "\x1b[0m"
)

// styleFor returns colours for a terminal and plain text for all else. NO_COLOR (https://no-color.org) and a dumb terminal
// switch colours off.
func styleFor(out io.Writer) style {
	file, ok := out.(interface{ Stat() (fs.FileInfo, error) })
	if !ok || os.Getenv("NO_COLOR") != "" {
		return style{}
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&fs.ModeCharDevice == 0 {
		return style{}
	}
	if runtime.GOOS == "windows" { // only Windows Terminal understands the sequences without being asked to
		return style{os.Getenv("WT_SESSION") != ""}
	}
	term := os.Getenv("TERM")
	return style{term != "" && term != "dumb"}
}

func (s style) in(color, text string) string {
	if !s.on {
		return text
	}
	return color + text + reset
}
