// Package phrase is the language of a template's text: a part of text/template that
// takes no longer than its text is long, whoever writes it. It has text, the fields
// App, Agent, Tenant and Model, {{if}} with {{else}}, and the functions and, or,
// not, eq and ne, each of fields and quoted texts.
//
//	text, err := phrase.Parse("{{.Agent}} cannot answer right now.")
//
// It knows neither models nor policies, so that a policy file can be checked without
// either.
package phrase

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
)

// language is the language of templates, in a line.
const language = `text, {{.App}}, {{.Agent}}, {{.Tenant}}, {{.Model}}, {{if …}} … {{else}} … {{end}}, and the functions and, or, not, eq, ne of these fields and of quoted texts`

// functions are those of text/template that a text may use, with the number of
// their arguments. Others, such as printf, may answer with more than they are
// given.
var functions = map[string]any{"and": 2, "or": 2, "not": 1, "eq": 2, "ne": 2}

var fields = []string{"Agent", "App", "Model", "Tenant"}

// Parse returns the template that text is. Every field may be empty,
// and a text that would be blank then is an error: a last resort answers any call.
func Parse(text string) (*template.Template, error) {
	const name = "text"
	trees, err := parse.Parse(name, text, "", "", functions)
	if err != nil {
		found := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "template: "+name+":"), "template: ")
		return nil, unsupported("line " + found)
	}
	for _, other := range slices.Sorted(maps.Keys(trees)) {
		if other != name {
			return nil, unsupported(fmt.Sprintf("{{define %q}}", other))
		}
	}
	for _, node := range trees[name].Root.Nodes {
		if found := foreignNode(node); found != "" {
			return nil, unsupported(found)
		}
	}
	if root := trees[name].Root; !saysSomething(root) {
		return nil, fmt.Errorf("%s may be blank; add text outside of {{if …}}, or both in it and in its {{else}}", silence(root))
	}
	return template.New(name).AddParseTree(name, trees[name])
}

func unsupported(found string) error {
	return fmt.Errorf("%s is not supported; use %s", found, language)
}

// saysSomething reports whether a list is sure to say more than blanks, whatever
// the fields hold.
func saysSomething(list *parse.ListNode) bool {
	return list != nil && slices.ContainsFunc(list.Nodes, func(node parse.Node) bool {
		switch node := node.(type) {
		case *parse.TextNode:
			return strings.TrimSpace(string(node.Text)) != ""
		case *parse.ActionNode:
			return pipeSays(node.Pipe)
		case *parse.IfNode:
			return saysSomething(node.List) && saysSomething(node.ElseList)
		}
		return false
	})
}

// pipeSays is saysSomething for what is between braces.
func pipeSays(pipe *parse.PipeNode) bool {
	args := pipe.Cmds[0].Args
	said := func(arg parse.Node) bool {
		text, ok := arg.(*parse.StringNode)
		return ok && strings.TrimSpace(text.Text) != ""
	}
	function, ok := args[0].(*parse.IdentifierNode)
	switch {
	case !ok:
		return said(args[0])
	case function.Ident == "or": // the second, where the first is empty
		_, field := args[1].(*parse.FieldNode)
		return (field || said(args[1])) && said(args[2])
	case function.Ident == "and":
		return said(args[1]) && said(args[2])
	}
	return true // true or false
}

// silence names what of a list may say nothing: the first thing between braces, or
// the blanks.
func silence(list *parse.ListNode) string {
	for _, node := range list.Nodes {
		if node.Type() != parse.NodeText {
			head, _, _ := strings.Cut(node.String(), "}}")
			return head + "}}"
		}
	}
	return "text"
}

// foreignNode returns what in node is not of the language, "" for nothing.
func foreignNode(node parse.Node) string {
	switch node := node.(type) {
	case *parse.TextNode:
		return ""
	case *parse.ActionNode:
		return foreignPipe(node.Pipe)
	case *parse.IfNode:
		if found := foreignPipe(node.Pipe); found != "" {
			return found
		}
		nodes := node.List.Nodes
		if node.ElseList != nil {
			nodes = slices.Concat(nodes, node.ElseList.Nodes)
		}
		for _, node := range nodes {
			if found := foreignNode(node); found != "" {
				return found
			}
		}
		return ""
	}
	head, _, _ := strings.Cut(node.String(), "}}") // {{range …}}, {{with …}}, {{template …}}
	return head + "}}"
}

// foreignPipe is foreignNode for what is between braces: a value, or a function
// of values.
func foreignPipe(pipe *parse.PipeNode) string {
	if len(pipe.Decl) > 0 || len(pipe.Cmds) != 1 {
		return "{{" + pipe.String() + "}}"
	}
	args := pipe.Cmds[0].Args
	if function, ok := args[0].(*parse.IdentifierNode); ok {
		if args = args[1:]; len(args) != functions[function.Ident] {
			return fmt.Sprintf("{{%s}} with %d arguments of %s, which takes %v,", pipe, len(args), function.Ident, functions[function.Ident])
		}
	} else if len(args) > 1 {
		return "{{" + pipe.String() + "}}"
	}
	for _, arg := range args {
		switch arg := arg.(type) {
		case *parse.StringNode:
		case *parse.FieldNode:
			if len(arg.Ident) > 1 || !slices.Contains(fields, arg.Ident[0]) {
				return fmt.Sprintf("%s in {{%s}}", arg, pipe)
			}
		default:
			return fmt.Sprintf("%s in {{%s}}", arg, pipe)
		}
	}
	return ""
}
