package handlers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"rollcall/handlers/openapi"
	"rollcall/ui"
)

// reference is the part of the OpenAPI document that its page shows.
type reference struct {
	Info struct{ Description string }
	Tags []struct{ Name, Description string }

	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Parameters map[string]referenceParameter
		Schemas    map[string]referenceSchema
	}
}

type referenceParameter struct {
	Ref         string `json:"$ref"`
	Name        string
	In          string
	Required    bool
	Description string
	Example     any
}

type referenceSchema struct {
	Ref         string `json:"$ref"`
	Description string
	Required    []string
	Properties  map[string]referenceSchema
}

type referenceOperation struct {
	OperationID, Summary, Description string
	Tags                              []string
	Security                          []map[string][]string
	Parameters                        []referenceParameter
	RequestBody                       struct {
		Content map[string]struct {
			Schema  referenceSchema
			Example any
		}
	}
	Responses map[string]struct {
		Description string
		Content     map[string]any
	}
}

// apiReference is the content of the page. All servers of a process share it, so don't change it.
type apiReference struct {
	paragraphs []string
	groups     []ui.APIGroup
}

// readAPIReference reads the document once.
var readAPIReference = sync.OnceValues(readReference)

// readReference returns the groups of the page, in the order of the table of operations. A command line has the
// placeholder ORIGIN.
func readReference() (shown apiReference, err error) {
	var r reference
	if err := json.Unmarshal(openapi.JSON, &r); err != nil {
		return shown, fmt.Errorf("OpenAPI document: %w", err)
	}
	for _, tag := range r.Tags {
		name := strings.ToUpper(tag.Name[:1]) + tag.Name[1:]
		shown.groups = append(shown.groups, ui.APIGroup{Name: name, Description: tag.Description})
	}
	for _, o := range append(slices.Clone(operations), streamOperation) {
		item := r.Paths[o.path]
		var described referenceOperation
		if err := json.Unmarshal(item[strings.ToLower(o.method)], &described); err != nil {
			return shown, fmt.Errorf("OpenAPI document: %s %s: %w", o.method, o.path, err)
		}
		if shared := item["parameters"]; shared != nil {
			var all []referenceParameter
			if err := json.Unmarshal(shared, &all); err != nil {
				return shown, fmt.Errorf("OpenAPI document: %s: %w", o.path, err)
			}
			described.Parameters = append(all, described.Parameters...)
		}
		for i, tag := range r.Tags {
			if slices.Contains(described.Tags, tag.Name) {
				shown.groups[i].Operations = append(shown.groups[i].Operations, r.operation(o, described))
			}
		}
	}
	for text := range strings.SplitSeq(r.Info.Description, "\n\n") {
		shown.paragraphs = append(shown.paragraphs, plainText(text))
	}
	return shown, nil
}

// plainText returns text without marks for code and without line breaks.
func plainText(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "`", "")), " ")
}

// operation returns an operation for the page.
func (r *reference) operation(o operation, d referenceOperation) ui.APIOperation {
	shown := ui.APIOperation{ID: d.OperationID, Method: o.method, Path: apiPath + o.path, Summary: d.Summary,
		Description: plainText(d.Description), Scope: o.scopeText()}
	path, query := o.path, url.Values{}
	for _, p := range d.Parameters {
		if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
			p = r.Components.Parameters[name]
		}
		shown.Parameters = append(shown.Parameters, ui.APIParameter{Name: p.Name, Where: "in the " + p.In,
			Description: plainText(p.Description)})
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(fmt.Sprint(p.Example)))
		case p.In == "query" && p.Required:
			list, _ := p.Example.([]any)
			for _, value := range list {
				query.Add(p.Name, fmt.Sprint(value))
			}
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	for _, content := range d.RequestBody.Content {
		shown.Parameters = append(shown.Parameters, r.fields(content.Schema)...)
	}
	shown.Curl = d.curl(o.method, path)
	for _, status := range []string{"200", "201", "204"} {
		if answer, ok := d.Responses[status]; ok {
			shown.Answer = status + ". " + plainText(answer.Description)
		}
	}
	return shown
}

// curl returns the command line that calls an operation.
func (d referenceOperation) curl(method, path string) string {
	line := `curl -H "Authorization: Bearer $ROLLCALL_TOKEN"`
	if method != http.MethodGet {
		line += " -X " + method
	}
	if _, endless := d.Responses["200"].Content["application/x-ndjson"]; endless {
		line += " -N"
	}
	for kind, content := range d.RequestBody.Content {
		if kind == "text/csv" {
			line += ` -H "Content-Type: text/csv" --data-binary @people.csv`
		} else if body, err := json.Marshal(content.Example); err == nil {
			line += ` -H "Content-Type: ` + kind + `" -d '` + string(body) + "'"
		}
	}
	return line + " '" + originMark + apiPath + path + "'"
}

// fields returns the fields of a body.
func (r *reference) fields(s referenceSchema) (all []ui.APIParameter) {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s = r.Components.Schemas[name]
	}
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		p := s.Properties[name]
		if of, ok := strings.CutPrefix(p.Ref, "#/components/schemas/"); ok && p.Description == "" {
			p.Description = r.Components.Schemas[of].Description
		}
		where := "in the body"
		if slices.Contains(s.Required, name) {
			where += ", required"
		}
		all = append(all, ui.APIParameter{Name: name, Where: where, Description: plainText(p.Description)})
	}
	return all
}

// originMark stands for the origin and the base path in command lines.
const originMark = "ORIGIN"

// apiPage shows the reference. It's the same for everyone, and has nothing about the board, so it needs no account.
func (s *Server) apiPage(shown apiReference) echo.HandlerFunc {
	return func(c echo.Context) error {
		p := ui.APIPage{Layout: s.layout(c, ""), Description: shown.paragraphs, Document: s.site.path(apiPath + "/openapi")}
		origin := s.link(c, "", "")
		for _, g := range shown.groups {
			g.Operations = slices.Clone(g.Operations)
			for i := range g.Operations {
				g.Operations[i].Curl = strings.Replace(g.Operations[i].Curl, originMark, origin, 1)
			}
			p.Groups = append(p.Groups, g)
		}
		return s.page(c, http.StatusOK, p)
	}
}
