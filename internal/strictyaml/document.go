package strictyaml

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// Limits of a file. A file of 200 lines has about 8 KiB.
const (
	// MaxFile is the largest file, in bytes.
	MaxFile  = 64 << 10
	maxDepth = 32
)

const byteOrderMark = "\ufeff"

// document is a parsed file.
type document struct {
	empty    string     // what a file must contain, for the message about an empty one
	root     *yaml.Node // nil if the file cannot be parsed
	text     string
	lines    []int // offset of each line of text
	problems []Problem
}

// readDocument reads the one document in data.
func readDocument(data []byte, empty string) *document {
	d := &document{empty: empty}
	if len(data) > MaxFile {
		d.problem(1, 1, fmt.Sprintf("file has more than %d bytes, the most that is read", MaxFile))
		return d
	}
	d.text = string(data)
	if line, column, found := unreadable(d.text); found != "" {
		d.problem(line, column, found)
		return d
	}
	if rest, found := strings.CutPrefix(d.text, byteOrderMark); found {
		d.problem(1, 1, "file begins with a byte order mark; save it without one")
		d.problems[0].Severity = SeverityWarning
		d.text = rest
	}
	if line := directive.FindString(d.text); line != "" {
		// Makes it a comment: the parser accepts version 1.1 only, and places must not move.
		at := strings.LastIndexByte(line, '%')
		d.text = d.text[:at] + "#" + d.text[at+1:]
	}
	d.lines = lineStarts(d.text)
	if err := d.load(); err != nil {
		d.syntax(err)
	}
	return d
}

// directive is the line that states the version of YAML:
// https://yaml.org/spec/1.2.2/#681-yaml-directives.
var directive = regexp.MustCompile(`^(?:[ \t]*(?:#[^\n]*)?\n)*%YAML 1\.[2-9][ \t]*(?:#[^%\n]*)?\r?\n`)

func lineStarts(text string) []int {
	starts := []int{0}
	for i := range len(text) {
		if text[i] == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// load sets root.
func (d *document) load() (err error) {
	// The parser panics in states that it considers impossible. A file comes from
	// outside, so a panic must not reach the caller.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("strictyaml: the YAML parser panicked: %s", panics.Text(r))
		}
	}()
	loader, err := yaml.NewLoader(strings.NewReader(d.text), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth))))
	if err != nil {
		return err
	}
	var first, second yaml.Node
	switch err := loader.Load(&first); {
	case errors.Is(err, io.EOF):
		d.problem(1, 1, "file is empty; it must be "+d.empty)
		return nil
	case err != nil:
		return err
	}
	switch err := loader.Load(&second); {
	case err == nil:
		d.problem(second.Line, second.Column, "file has a second document; it must have one")
	case !errors.Is(err, io.EOF):
		return err
	}
	if len(first.Content) == 1 {
		d.root = first.Content[0]
		tagByCore(d.root)
	}
	return nil
}

// syntax reports an error of the parser. It is the last one, because anything after it
// would be a guess.
func (d *document) syntax(err error) {
	line, column, message := 1, 1, err.Error()
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		message = e.Message
		if e.ContextMsg != "" {
			message = e.ContextMsg + ": " + message
		}
		switch {
		case e.Mark.Line > 0:
			line, column = e.Mark.Line, e.Mark.Column
		case e.ContextMark.Line > 0:
			line, column = e.ContextMark.Line, e.ContextMark.Column
		}
	}
	if at := d.tab(line); at > 0 {
		d.problem(line, at, "tab in the indentation; use spaces")
		return
	}
	message = redact.Text(message, MaxMessage)
	for _, about := range []string{"mapping values are not allowed", "comment or line break", "cannot start any token"} {
		if strings.Contains(message, about) {
			message += "; a value with such characters must be in quotes"
		}
	}
	d.problem(line, max(column, 1), message)
}

// tab returns the column of a tab in the indentation of a line, 0 if it has none.
func (d *document) tab(line int) int {
	text := d.from(&yaml.Node{Line: line, Column: 1})
	indent := len(text) - len(strings.TrimLeft(text, " \t"))
	return strings.IndexByte(text[:indent], '\t') + 1
}

func (d *document) problem(line, column int, message string) {
	d.problems = append(d.problems, Problem{Line: line, Column: column, Message: message, Severity: SeverityError})
}

// unreadable returns the first character in text that YAML does not allow, and its place:
// https://yaml.org/spec/1.2.2/#51-character-set.
func unreadable(text string) (line, column int, found string) {
	line, column = 1, 1
	for i, r := range text {
		switch {
		case r == '\n':
			line, column = line+1, 0
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd"):
			return line, column, fmt.Sprintf("byte 0x%02X is not UTF-8", text[i])
		case r < ' ' && r != '\t' && r != '\r', r >= 0x7f && r < 0xa0 && r != 0x85, r == 0xfffe, r == 0xffff, r == 0xfeff && i > 0:
			return line, column, fmt.Sprintf("control character %U; remove it", r)
		}
		column++
	}
	return 0, 0, ""
}

// describe describes n for a message.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!null":
		return "empty"
	case "!!str":
		return Quoted(n.Value)
	case "!!int", "!!float", "!!bool":
		return Shown(n.Value)
	}
	return Shown(strings.TrimLeft(n.Tag, "!") + " " + n.Value)
}
