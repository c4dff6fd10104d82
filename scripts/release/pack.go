package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// besides lists the files that are packed with each program, by their path in the repository.
var besides = []string{
	"LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md", "deploy/rollcall.service",
	"deploy/nginx/root.conf", "deploy/nginx/path.conf", "deploy/caddy/root.Caddyfile", "deploy/caddy/path.Caddyfile",
	"deploy/nginx/authelia.conf", "deploy/nginx/oauth2-proxy.conf", "deploy/caddy/authelia.Caddyfile",
	"deploy/caddy/oauth2-proxy.Caddyfile",
	"docs/alerts.yml",
}

// documents matches the documentation, without its pictures.
const documents = "docs/*.md"

// pack writes base.tar.gz, or base.zip for Windows, and returns its path. All files have the time of the commit and no
// owner, so that the bytes depend only on the contents.
func (b *build) pack(base string) (path string, err error) {
	ext, write := ".tar.gz", b.tar
	if strings.HasPrefix(b.platform, "windows_") {
		ext, write = ".zip", b.zip
	}
	f, err := os.Create(base + ext)
	if err != nil {
		return "", err
	}
	return base + ext, closing(write(f, filepath.Base(base)+"/"), f)
}

// each calls add for every file of the archive.
func (b *build) each(add func(name string, mode int64, data []byte) error) error {
	read, err := filepath.Glob(documents) // sorted
	if err != nil {
		return err
	}
	for _, path := range slices.Concat([]string{b.program}, besides, read) {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, mode := filepath.ToSlash(path), int64(0o644)
		if path == b.program {
			name, mode = filepath.Base(path), 0o755
		}
		if err := add(name, mode, data); err != nil {
			return err
		}
	}
	return nil
}

func (b *build) tar(w io.Writer, folder string) error {
	zipped, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(zipped)
	err = b.each(func(name string, mode int64, data []byte) error {
		header := &tar.Header{
			Name: folder + name, Mode: mode, Size: int64(len(data)), ModTime: b.made,
			Typeflag: tar.TypeReg, Format: tar.FormatUSTAR,
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err := archive.Write(data)
		return err
	})
	if err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return zipped.Close()
}

func (b *build) zip(w io.Writer, folder string) error {
	archive := zip.NewWriter(w)
	err := b.each(func(name string, mode int64, data []byte) error {
		header := &zip.FileHeader{Name: folder + name, Method: zip.Deflate, Modified: b.made.UTC()}
		header.SetMode(os.FileMode(mode))
		entry, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		_, err = entry.Write(data)
		return err
	})
	if err != nil {
		return err
	}
	return archive.Close()
}
