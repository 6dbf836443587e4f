package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// print writes the table for people.
func (r report) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d CPUs, %s, %s; %d senders; stub and load on the same machine\n\n", r.CPUs, r.System, r.Go, r.Clients)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(name, unit string, floor, product float64) {
		share := ""
		if floor > 0 {
			share = fmt.Sprintf("%.0f %%", 100*product/floor)
		}
		_, _ = fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%s\t%s\t\n", name, floor, product, share, unit)
	}
	_, _ = fmt.Fprint(t, "\tfloor\ttocsin\tof floor\t\t\n")
	line("alerts accepted, durable", "/s", r.Floor.AlertsPerSecond, r.Product.AlertsPerSecond)
	line("five-step runs finished", "/s", r.Floor.RunsPerSecond, r.Product.RunsPerSecond)
	line("webhook to last call, p50", "ms", r.Floor.P50MS, r.Product.P50MS)
	line("webhook to last call, p99", "ms", r.Floor.P99MS, r.Product.P99MS)
	line("CPU for one alert", "ms", r.Floor.CPUPerAlertMS, r.Product.CPUPerAlertMS)
	line("CPU for one run", "ms", r.Floor.CPUPerRunMS, r.Product.CPUPerRunMS)
	line("memory, idle", "MB", r.Floor.IdleMB, r.Product.IdleMB)
	line("memory, after the runs", "MB", r.Floor.PeakMB, r.Product.PeakMB)
	line("start to ready", "ms", r.Floor.StartMS, r.Product.StartMS)
	if err := t.Flush(); err != nil {
		return fmt.Errorf("set the table: %w", err)
	}
	b.WriteByte('\n')
	for _, a := range r.Aims {
		sign, met := "at most", "missed"
		if a.More {
			sign = "at least"
		}
		if a.Met {
			met = "met"
		}
		fmt.Fprintf(&b, "%-36s %8.1f, aim %s %g: %s\n", a.Name, a.Got, sign, a.Want, met)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
