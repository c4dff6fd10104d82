package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
	"text/tabwriter"
	"time"
)

// report holds the figures in the order in which they were measured. Programs compare the JSON of several runs, so the
// names and units of figures must not change.
type report struct {
	Time    time.Time `json:"time"`
	CPUs    int       `json:"cpus"`
	Figures []figure  `json:"figures"`
}

// figure is one measured number.
type figure struct {
	Scenario string   `json:"scenario"`
	Name     string   `json:"name"`
	Value    *float64 `json:"value"` // nil: not measured
	Unit     string   `json:"unit"`
	Wanted   string   `json:"wanted,omitempty"` // goal on a machine with two processors, at the size it names
}

func newReport() *report {
	return &report{Time: time.Now().UTC().Round(time.Second), CPUs: runtime.NumCPU()}
}

// add records a figure. NaN means that it wasn't measured.
func (r *report) add(scenario, name string, value float64, unit, wanted string) {
	f := figure{Scenario: scenario, Name: name, Unit: unit, Wanted: wanted}
	if !math.IsNaN(value) && !math.IsInf(value, 0) {
		f.Value = &value
	}
	r.Figures = append(r.Figures, f)
}

// table writes the figures for people to read.
func (r *report) table(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "SCENARIO\tFIGURE\tVALUE\tUNIT\tWANTED\n")
	for _, f := range r.Figures {
		value := "not measured"
		if f.Value != nil {
			value = plain(*f.Value)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", f.Scenario, f.Name, value, f.Unit, f.Wanted)
	}
	t.Flush()
}

// plain formats whole and large numbers without decimals, and others with three significant digits.
func plain(v float64) string {
	if v == math.Trunc(v) || math.Abs(v) >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func (r *report) save(file string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}
