package handlers

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"rollcall/handlers/openapi"
)

// document is the part of the OpenAPI document that the tests compare with the code.
type document struct {
	Paths map[string]map[string]json.RawMessage
	Doc   struct {
		Schemas struct {
			Problem struct {
				Properties struct{ Type struct{ Enum []string } }
			}
			Scope struct{ Enum []string }
		}
	} `json:"components"`
}

type describedOperation struct {
	OperationID string
	Summary     string
	Security    []map[string][]string
	RequestBody struct {
		Content map[string]struct{ Example json.RawMessage }
	}
}

func readDocument(t *testing.T) (d document) {
	t.Helper()
	if err := json.Unmarshal(openapi.JSON, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// described returns the operations in the document by method and path.
func (d document) described(t *testing.T) map[string]describedOperation {
	t.Helper()
	all := map[string]describedOperation{}
	for path, item := range d.Paths {
		for method, text := range item {
			if method == "parameters" {
				continue
			}
			var o describedOperation
			if err := json.Unmarshal(text, &o); err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			all[strings.ToUpper(method)+" "+path] = o
		}
	}
	return all
}

// The document describes the operations of the table, with their scopes, and the table has every route of the API.
func TestDocumentDescribesTheRoutes(t *testing.T) {
	described := readDocument(t).described(t)
	routes := map[string]bool{}
	for _, r := range newFixture(t).server.echo.Routes() {
		path, ours := strings.CutPrefix(r.Path, apiPath+"/")
		if ours && r.Method != http.MethodHead && r.Method != http.MethodOptions && !strings.HasPrefix(path, "openapi.") {
			routes[r.Method+" /"+path] = true
		}
	}
	for _, o := range append([]operation{streamOperation}, operations...) {
		key := o.method + " " + o.path
		d, known := described[key]
		if !known || d.OperationID != o.id || d.Summary == "" {
			t.Errorf("%s is described as %q, want %q", key, d.OperationID, o.id)
		}
		if want := fmt.Sprint([]map[string][]string{{"token": strings.Split(o.scopeText(), ", ")}}); fmt.Sprint(d.Security) != want {
			t.Errorf("%s needs %v in the document, want %s", key, d.Security, want)
		}
		delete(described, key)
		route := o.method + " " + routePath(o.path)
		if !routes[route] {
			t.Errorf("%s has no route", key)
		}
		delete(routes, route)
	}
	for key := range described {
		t.Errorf("the document describes %s, which isn't an operation", key)
	}
	for route := range routes {
		t.Errorf("%s is a route of the API, but not an operation", route)
	}
}

// The document has the types of problems that the code has, and the scopes.
func TestDocumentHasTheProblems(t *testing.T) {
	d := readDocument(t)
	want := []string{problemBase + string(insufficientScope), problemBase + string(confirmationRequired)}
	for _, p := range problemTypes {
		want = append(want, problemBase+string(p.kind))
	}
	got := d.Doc.Schemas.Problem.Properties.Type.Enum
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("types of problems in the document = %v, want %v", got, want)
	}
}

// The examples of bodies are valid.
func TestExamplesAreValid(t *testing.T) {
	check, errs := contract()
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	described := readDocument(t).described(t)
	for _, key := range slices.Sorted(maps.Keys(described)) {
		method, path, _ := strings.Cut(key, " ")
		for kind, content := range described[key].RequestBody.Content {
			if content.Example == nil {
				t.Errorf("%s has no example of a body", key)
				continue
			}
			path := strings.NewReplacer("{name}", "ada", "{id}", "x", "{team}", "x", "{key}", "x", "{other}", "x").Replace(path)
			r := httptest.NewRequest(method, apiPath+path, strings.NewReader(string(content.Example)))
			r.Header.Set("Content-Type", kind)
			if ok, wrong := check.ValidateHttpRequestSync(r); !ok {
				for _, e := range wrong {
					t.Errorf("%s: the example isn't valid: %s: %s", key, e.Message, e.Reason)
				}
			}
		}
	}
}

// Anyone can read the document, also pages of other sites.
func TestDocumentIsServed(t *testing.T) {
	f := newFixture(t)
	for path, want := range map[string][]byte{"/api/v1/openapi.json": openapi.JSON, "/api/v1/openapi.yaml": openapi.YAML} {
		a := f.browser().get(path)
		if a.StatusCode != http.StatusOK || a.body != string(want) || a.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("GET %s = %d with %d bytes, want the document", path, a.StatusCode, len(a.body))
		}
		r := httptest.NewRequest("GET", path, http.NoBody)
		r.Header.Set("If-None-Match", a.Header.Get("ETag"))
		b := f.browser()
		if again := b.send(r); again.StatusCode != http.StatusNotModified {
			t.Errorf("GET %s with its ETag = %d, want 304", path, again.StatusCode)
		}
	}
}
