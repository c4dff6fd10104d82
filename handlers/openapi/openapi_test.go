package openapi

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi/utils"
)

var update = flag.Bool("update", false, "write openapi.json")

// openapi.json has what openapi.yaml has.
func TestJSONIsTheYAML(t *testing.T) {
	made, err := utils.ConvertYAMLtoJSON(YAML)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Indent(&want, made, "", "  "); err != nil {
		t.Fatal(err)
	}
	want.WriteByte('\n')
	if *update {
		if err := os.WriteFile("openapi.json", want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(JSON, want.Bytes()) {
		t.Error("openapi.json isn't made from openapi.yaml: run go test ./handlers/openapi -update")
	}
}

// The description is a valid OpenAPI document.
func TestDocumentIsValid(t *testing.T) {
	document, err := libopenapi.NewDocument(YAML)
	if err != nil {
		t.Fatal(err)
	}
	check, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, wrong := check.ValidateDocument(); !ok {
		for _, w := range wrong {
			t.Errorf("%s: %s", w.Message, w.Reason)
			for _, s := range w.SchemaValidationErrors {
				t.Errorf("\t%s (line %d)", s.Reason, s.Line)
			}
		}
	}
}
