package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
)

// writeJSON writes one object.
func writeJSON(w io.Writer, runs int, rows []row) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Go   string `json:"go"`
		Runs int    `json:"runs"`
		Rows []row  `json:"rows"`
	}{runtime.Version(), runs, rows})
}

// writeTable writes a Markdown table.
func writeTable(w io.Writer, runs int, rows []row) error {
	var out strings.Builder
	fmt.Fprintf(&out, "Each file %d times by each, in turns, every time in a new process on one processor: min / **median** / max. %s.\n", runs, runtime.Version())
	fmt.Fprintf(&out, "Warm: what each further photo of the same process takes (%d times). Ratios are ours to libvips', of the medians.\n\n", min(runs, warmRuns))
	out.WriteString("| file | kB | CPU ms, ours | CPU ms, libvips | ratio | warm CPU ms, ours | warm, libvips | ratio | peak MiB, ours | peak MiB, libvips | ratio |\n")
	out.WriteString("|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&out, "| %s | %d | %s | %s | **%.2f** | %.0f | %.0f | **%.2f** | %s | %s | **%.2f** |\n", r.File, r.Bytes/1000,
			r.Ours.CPU, r.Vips.CPU, r.CPU, r.Ours.Warm.Median, r.Vips.Warm.Median, r.Warm, r.Ours.Memory, r.Vips.Memory, r.Memory)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// String gives the three figures as a cell of the table.
func (s spread) String() string { return fmt.Sprintf("%.0f / **%.0f** / %.0f", s.Min, s.Median, s.Max) }
