// Package openapi holds the description of the API, which is written by hand. Package handlers serves it, and its tests
// compare it with what the API does. openapi.json is made from openapi.yaml:
//
//	go test ./handlers/openapi -update
package openapi

import _ "embed"

// YAML is the description as it's written.
//
//go:embed openapi.yaml
var YAML []byte

// JSON is the same description in JSON.
//
//go:embed openapi.json
var JSON []byte
