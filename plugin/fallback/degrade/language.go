package degrade

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
)

// templateAllowed is the language of templates, in a line.
const templateAllowed = `text, {{.App}}, {{.Agent}}, {{.Tenant}}, {{.Model}}, {{if …}} … {{else}} … {{end}}, and the functions and, or, not, eq, ne of these fields and of quoted texts`

// TemplateError says what in a template's text is not of its language.
type TemplateError struct {
	Found, Allowed string
}

func (e *TemplateError) Error() string {
	return fmt.Sprintf("degrade: TemplateConfig.Text: found %s; allowed: %s", e.Found, e.Allowed)
}

// CheckTemplate returns nil if text can be the Text of a [TemplateConfig], else
// a [*TemplateError].
//
// The language is a part of text/template that takes no longer than its text is
// long, whoever writes it: text, the [Fields], {{if}} with {{else}}, and the
// functions and, or, not, eq and ne, each of fields and quoted texts.
func CheckTemplate(text string) error {
	_, err := parseTemplate(text)
	return err
}

// functions are those of text/template that a text may use, with the number of
// their arguments. Others, such as printf, may answer with more than they are
// given.
var functions = map[string]any{"and": 2, "or": 2, "not": 1, "eq": 2, "ne": 2}

var fields = []string{"Agent", "App", "Model", "Tenant"}

func parseTemplate(text string) (*template.Template, error) {
	const name = "text"
	trees, err := parse.Parse(name, text, "", "", functions)
	if err != nil {
		found := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "template: "+name+":"), "template: ")
		return nil, &TemplateError{Found: "line " + found, Allowed: templateAllowed}
	}
	for _, other := range slices.Sorted(maps.Keys(trees)) {
		if other != name {
			return nil, &TemplateError{Found: fmt.Sprintf("{{define %q}}", other), Allowed: templateAllowed}
		}
	}
	for _, node := range trees[name].Root.Nodes {
		if found := foreignNode(node); found != "" {
			return nil, &TemplateError{Found: found, Allowed: templateAllowed}
		}
	}
	return template.New(name).AddParseTree(name, trees[name])
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
			return fmt.Sprintf("{{%s}}, with %d arguments of %s, which has %v", pipe, len(args), function.Ident, functions[function.Ident])
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
