package ui

import (
	"html/template"
	"text/template/parse"
)

// addParts adds copies of the parts that page uses, directly or through other parts. Escaping changes a template, so
// pages can't share one, and copies of all parts for every page would take 10 MB.
func addParts(page, parts *template.Template) error {
	var missing []string
	for _, t := range page.Templates() {
		if t.Tree != nil {
			missing = append(missing, uses(t.Tree.Root)...)
		}
	}
	for len(missing) > 0 {
		name := missing[0]
		missing = missing[1:]
		part := parts.Lookup(name)
		if part == nil || page.Lookup(name) != nil {
			continue // a template that is nowhere is an error when the page is first rendered
		}
		t, err := page.AddParseTree(name, part.Tree.Copy())
		if err != nil {
			return err
		}
		missing = append(missing, uses(t.Tree.Root)...)
	}
	return nil
}

// uses returns the names of the templates that the nodes in l include.
func uses(l *parse.ListNode) (names []string) {
	if l == nil {
		return nil
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.TemplateNode:
			names = append(names, n.Name)
		case *parse.IfNode:
			names = append(names, append(uses(n.List), uses(n.ElseList)...)...)
		case *parse.RangeNode:
			names = append(names, append(uses(n.List), uses(n.ElseList)...)...)
		case *parse.WithNode:
			names = append(names, append(uses(n.List), uses(n.ElseList)...)...)
		}
	}
	return names
}
