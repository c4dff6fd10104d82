package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain runs the tests at the top of the repository, where make runs the command.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// built returns a build without a real program.
func built(t *testing.T, platform string) *build {
	t.Helper()
	program := filepath.Join(t.TempDir(), "rollcall")
	if err := os.WriteFile(program, []byte("a program"), 0o700); err != nil {
		t.Fatal(err)
	}
	return &build{
		platform: platform, program: program, version: "1.2.3",
		made: time.Date(2026, 11, 24, 20, 0, 1, 0, time.FixedZone("", 3600)),
		info: &debug.BuildInfo{
			GoVersion: "go1.26.8", Main: debug.Module{Path: "rollcall", Version: "v1.2.3"},
			Deps: []*debug.Module{
				{Path: "example.org/a b", Version: "v1.0.0"},
				{Path: "old", Version: "v1", Replace: &debug.Module{Path: "new", Version: "v2.0.0"}},
			},
		},
	}
}

// An archive depends only on its contents, and not on where, when or by whom it's packed.
func TestPack(t *testing.T) {
	for platform, ext := range map[string]string{"linux_amd64": ".tar.gz", "windows_arm64": ".zip"} {
		var all [2][]byte
		for i := range all {
			b := built(t, platform)
			path, err := b.pack(filepath.Join(t.TempDir(), "rollcall_1.2.3_"+platform))
			if err != nil || !strings.HasSuffix(path, "rollcall_1.2.3_"+platform+ext) {
				t.Fatalf("pack(%s) = %s, %v, want an archive %s", platform, path, err, ext)
			}
			if all[i], err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
			later := time.Now().Add(time.Hour)
			if err := os.Chtimes(b.program, later, later); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(all[0], all[1]) {
			t.Errorf("pack(%s) in another folder results in different bytes", platform)
		}
		if ext == ".zip" {
			wantZip(t, all[0])
		}
	}
}

func wantZip(t *testing.T, data []byte) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range r.File {
		names = append(names, f.Name)
	}
	for _, want := range []string{"rollcall", "LICENSE", "deploy/nginx/root.conf", "docs/install.md", "docs/alerts.yml"} {
		if want = "rollcall_1.2.3_windows_arm64/" + want; !slices.Contains(names, want) {
			t.Errorf("the archive has %q, want them to include %s", names, want)
		}
	}
}

func TestParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parts.json")
	if err := built(t, "linux_amd64").writeParts(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got bom
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	var purls []string
	for _, p := range got.Components {
		purls = append(purls, p.PURL)
	}
	for _, want := range []string{
		"pkg:golang/stdlib@1.26.8", "pkg:golang/example.org/a%20b@v1.0.0", "pkg:golang/new@v2.0.0",
		"pkg:npm/%40zxcvbn-ts/language-common@4.1.3",
	} {
		if !slices.Contains(purls, want) {
			t.Errorf("parts = %q, want them to include %s", purls, want)
		}
	}
	if got.Metadata.Timestamp != "2026-11-24T19:00:01Z" || got.Metadata.Component.Version != "v1.2.3" {
		t.Errorf("metadata = %+v, want the commit's time in UTC and the version", got.Metadata)
	}
}

// A program that can't be traced to a commit isn't published.
func TestReadRefuses(t *testing.T) {
	own, err := os.Executable() // a test program has no version control information
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "linux_amd64")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(own, filepath.Join(folder, "rollcall")); err != nil {
		t.Fatal(err)
	}
	if b, err := read(folder); err == nil {
		t.Errorf("read of a program without a commit = %v, want an error", b.info.Main)
	}
}
