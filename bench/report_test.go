package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	r := newReport()
	r.add("idle", "RSS", 14.6789, "KiB", "≤ 20")
	r.add("lone", "CPU", math.NaN(), "µs", "")
	r.add("lone", "changes", 123456, "", "")

	var b strings.Builder
	r.table(&b)
	for _, want := range []string{"14.7", "≤ 20", "not measured", "123456"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("table = %s\nwant it to contain %q", b.String(), want)
		}
	}

	file := filepath.Join(t.TempDir(), "figures.json")
	if err := r.save(file); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Figures) != 3 || *back.Figures[0].Value != 14.6789 || back.Figures[1].Value != nil {
		t.Errorf("save wrote %s", data)
	}
}
