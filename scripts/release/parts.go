package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// bom is the part of CycloneDX 1.5 that we write: https://cyclonedx.org/docs/1.5/json/
type bom struct {
	Format      string `json:"bomFormat"`
	SpecVersion string `json:"specVersion"`
	Version     int    `json:"version"`
	Metadata    struct {
		Timestamp string `json:"timestamp"`
		Component part   `json:"component"`
	} `json:"metadata"`
	Components []part `json:"components"`
}

type part struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
}

func newPart(kind, registry, name, version string) part {
	escaped := (&url.URL{Path: name}).EscapedPath()
	purl := "pkg:" + registry + "/" + strings.ReplaceAll(escaped, "@", "%40") + "@" + version
	return part{Type: kind, Ref: purl, Name: name, Version: version, PURL: purl}
}

// writeParts writes the SBOM of the program: Go's standard library, every linked module, and the npm packages in what
// browsers load.
func (b *build) writeParts(path string) error {
	var all bom
	all.Format, all.SpecVersion, all.Version = "CycloneDX", "1.5", 1
	all.Metadata.Timestamp = b.made.UTC().Format(time.RFC3339)
	all.Metadata.Component = newPart("application", "golang", b.info.Main.Path, b.info.Main.Version)
	all.Components = []part{newPart("library", "golang", "stdlib", strings.TrimPrefix(b.info.GoVersion, "go"))}
	for _, module := range b.info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		all.Components = append(all.Components, newPart("library", "golang", module.Path, module.Version))
	}
	browser, err := npmParts("package.json")
	if err != nil {
		return err
	}
	all.Components = append(all.Components, browser...)
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// npmParts returns the dependencies in package.json, which pins exact versions.
func npmParts(path string) ([]part, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var manifest struct{ Dependencies map[string]string }
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var all []part
	for _, name := range slices.Sorted(maps.Keys(manifest.Dependencies)) {
		all = append(all, newPart("library", "npm", name, manifest.Dependencies[name]))
	}
	return all, nil
}
