package command

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	usesLine = regexp.MustCompile(`(?m)^\s*(?:- )?uses:\s*(\S+)[ \t]*(.*)$`)
	pinned   = regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40}$`)
	ofTag    = regexp.MustCompile(`^# v\d+\.\d+\.\d+$`)

	fromLine    = regexp.MustCompile(`(?m)^FROM (?:--\S+ )*(\S+)(?: AS (\S+))?$`)
	pinnedImage = regexp.MustCompile(`^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$`)
	runImage    = regexp.MustCompile(`docker run .*?\b(busybox\S*)`)
)

// A tag can be moved to other code. So everything that builds, tests or publishes is pinned by its digest, with the tag
// next to it.
func TestBuildersArePinned(t *testing.T) {
	files, err := filepath.Glob(root + "/.github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("workflows = %q, %v, want some", files, err)
	}
	for _, file := range files {
		text := readText(t, filepath.Join(".github/workflows", filepath.Base(file)))
		for _, m := range usesLine.FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(m[1], "./") {
				continue
			}
			if !pinned.MatchString(m[1]) || !ofTag.MatchString(m[2]) {
				t.Errorf("%s uses %s %s, want a commit with its tag in a comment: OWNER/NAME@COMMIT # v1.2.3", file, m[1], m[2])
			}
		}
		for _, m := range runImage.FindAllStringSubmatch(text, -1) {
			if !pinnedImage.MatchString(m[1]) {
				t.Errorf("%s runs %s, want NAME:TAG@sha256:DIGEST", file, m[1])
			}
		}
	}
	_, text := dockerfile(t)
	if strings.HasPrefix(text, "# syntax=") {
		t.Error("the Dockerfile has a syntax line, which runs an image that isn't pinned")
	}
	stages := map[string]bool{"scratch": true}
	for _, m := range fromLine.FindAllStringSubmatch(text, -1) {
		if !stages[m[1]] && !pinnedImage.MatchString(m[1]) {
			t.Errorf("the Dockerfile builds from %s, want NAME:TAG@sha256:DIGEST", m[1])
		}
		stages[m[2]] = true
	}
	if want := strings.Count("\n"+text, "\nFROM "); len(fromLine.FindAllString(text, -1)) != want {
		t.Errorf("not all %d FROM lines match the pattern", want)
	}
}
