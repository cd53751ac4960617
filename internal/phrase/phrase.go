// Package phrase is the language of the template-response: a part of text/template whose
// execution time is linear in the length of the text. It has text, the fields App, Agent,
// Tenant and Model, {{if}} with {{else}}, and the functions and, or, not, eq and ne of
// fields and quoted texts.
//
//	text, err := phrase.Parse("{{.Agent}} cannot answer right now.")
//
// It imports neither models nor policies, so that a policy file can be checked without
// them.
package phrase

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
)

// language describes the language in one line.
const language = `text, {{.App}}, {{.Agent}}, {{.Tenant}}, {{.Model}}, {{if …}} … {{else}} … {{end}}, and the functions and, or, not, eq, ne of these fields and of quoted texts`

// functions are the functions of text/template that a text may use, with the number of
// their arguments. The output of others, such as printf, can be longer than their input.
var functions = map[string]any{"and": 2, "or": 2, "not": 1, "eq": 2, "ne": 2}

var fields = []string{"Agent", "App", "Model", "Tenant"}

// Parse parses text. Every field may be empty when the template is executed; a text that
// can then be blank is an error, because a last resort must say something.
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

// saysSomething reports whether the output of a list is never blank, whatever the fields
// contain.
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

// pipeSays is saysSomething for the part between braces.
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
	case function.Ident == "or": // the second argument if the first is empty
		_, field := args[1].(*parse.FieldNode)
		return (field || said(args[1])) && said(args[2])
	case function.Ident == "and":
		return said(args[1]) && said(args[2])
	}
	return true // not, eq and ne print true or false
}

// silence names the part of a list that may be blank: the first one between braces, or the
// text.
func silence(list *parse.ListNode) string {
	for _, node := range list.Nodes {
		if node.Type() != parse.NodeText {
			head, _, _ := strings.Cut(node.String(), "}}")
			return head + "}}"
		}
	}
	return "text"
}

// foreignNode returns the part of node that is not in the language, "" for none.
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

// foreignPipe is foreignNode for the part between braces: a value, or a function of values.
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
