// Command release packs built programs for download: an archive for each platform, a list of what's in each program (an
// SBOM in CycloneDX format), and a file of checksums.
//
//	release BUILT OUT
//
// BUILT has a folder for each platform, like linux_amd64, with the program in it. The program itself is the source of
// all information about it, such as its version. The same programs always result in the same bytes, wherever and
// whenever they are packed.
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: release BUILT OUT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// build is one program.
type build struct {
	platform string // like linux_amd64
	program  string // path
	info     *debug.BuildInfo
	version  string // without the v of the tag
	made     time.Time
}

// run packs every program below built into out.
func run(built, out string) error {
	platforms, err := os.ReadDir(built)
	if err != nil {
		return err
	}
	var files []string
	version := ""
	for _, p := range platforms {
		b, err := read(filepath.Join(built, p.Name()))
		if err != nil {
			return err
		}
		if version != "" && b.version != version {
			return fmt.Errorf("%s has version %s, but another program has %s: build all of them again",
				b.program, b.version, version)
		}
		version = b.version
		base := filepath.Join(out, "rollcall_"+b.version+"_"+b.platform)
		archive, err := b.pack(base)
		if err != nil {
			return err
		}
		if err := b.writeParts(base + ".cdx.json"); err != nil {
			return err
		}
		files = append(files, archive, base+".cdx.json")
	}
	if len(files) == 0 {
		return fmt.Errorf("%s has no programs in it", built)
	}
	return writeSums(filepath.Join(out, "SHA256SUMS"), files)
}

// read returns the program in folder with the information that the Go tool recorded in it. It returns an error if the
// program can't be traced to a commit.
func read(folder string) (*build, error) {
	b := &build{platform: filepath.Base(folder), program: filepath.Join(folder, "rollcall")}
	if strings.HasPrefix(b.platform, "windows_") {
		b.program += ".exe"
	}
	var err error
	if b.info, err = buildinfo.ReadFile(b.program); err != nil {
		return nil, err
	}
	stamp := map[string]string{}
	for _, s := range b.info.Settings {
		stamp[s.Key] = s.Value
	}
	if made := stamp["GOOS"] + "_" + stamp["GOARCH"]; made != b.platform {
		return nil, fmt.Errorf("%s is for %s", b.program, made)
	}
	if stamp["vcs.modified"] != "false" || !strings.HasPrefix(b.info.Main.Version, "v") {
		return nil, fmt.Errorf("%s has version %s: build it from a git checkout without changes",
			b.program, b.info.Main.Version)
	}
	if b.made, err = time.Parse(time.RFC3339, stamp["vcs.time"]); err != nil {
		return nil, fmt.Errorf("%s: time of the commit: %w", b.program, err)
	}
	b.version = b.info.Main.Version[1:]
	return b, nil
}

// writeSums writes checksums in the format of sha256sum --check.
func writeSums(path string, files []string) error {
	slices.Sort(files)
	var lines strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, "%x  %s\n", sha256.Sum256(data), filepath.Base(file))
	}
	return os.WriteFile(path, []byte(lines.String()), 0o644)
}

// closing closes f and returns its error joined with err, because a full disk may only be noticed when a file is
// closed.
func closing(err error, f *os.File) error { return errors.Join(err, f.Close()) }
