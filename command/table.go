package command

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// tableTime is how tables show times, which are UTC.
const tableTime = "2006-01-02 15:04"

// printTable aligns the columns of rows, the first of which is the header. Display names and notes come last, because
// their width depends on the script.
func printTable(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, cells := range rows {
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	return table.Flush()
}

// printJSON prints a value for programs.
func printJSON(w io.Writer, value any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(value)
}

// dash marks an empty column.
func dash(s string) string { return cmp.Or(s, "-") }
