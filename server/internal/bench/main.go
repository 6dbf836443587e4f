// Command bench measures the built binary against this machine's floor: what the
// smallest program does that makes the same HTTP calls and commits one row an
// event, in groups. Stub and load run in this process, on the same machine.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"time"
)

func main() {
	o := options{}
	flag.StringVar(&o.binary, "binary", "bin/tocsin", "the program to measure")
	flag.StringVar(&o.json, "json", "bench.json", "where the numbers go")
	flag.DurationVar(&o.ingest, "ingest", 6*time.Second, "how long alerts are sent as fast as they are taken")
	flag.IntVar(&o.runs, "runs", 3000, "how many alerts start a run of five steps")
	flag.DurationVar(&o.latency, "latency", 20*time.Second, "how long ten alerts a second are sent")
	flag.IntVar(&o.clients, "clients", 64, "how many senders at once")
	floor := flag.String("floor", "", "be the floor program, with its data in this folder")
	stub := flag.String("stub", "", "where the floor program sends its calls")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *floor != "" {
		err = serveFloor(ctx, *floor, *stub)
	} else {
		err = measure(ctx, o)
	}
	if err != nil {
		slog.ErrorContext(ctx, "bench", slog.Any("error", err))
		stop()
		os.Exit(1) //nolint:gocritic // nothing is left to be undone
	}
}

type options struct {
	binary, json    string
	ingest, latency time.Duration
	runs, clients   int
}

// numbers are what one program did.
type numbers struct {
	AlertsPerSecond float64 `json:"alerts_per_second"`
	RunsPerSecond   float64 `json:"runs_per_second"`
	P50MS           float64 `json:"webhook_to_last_call_p50_ms"`
	P99MS           float64 `json:"webhook_to_last_call_p99_ms"`
	IdleMB          float64 `json:"idle_memory_mb"`
	StartMS         float64 `json:"start_ms"`
	// Under the load of the runs.
	PeakMB        float64 `json:"peak_memory_mb"`
	CPUPerRunMS   float64 `json:"cpu_per_run_ms"`
	CPUPerAlertMS float64 `json:"cpu_per_alert_ms"`
}

// report is what lies in bench.json.
type report struct {
	At      time.Time `json:"at"`
	CPUs    int       `json:"cpus"`
	Go      string    `json:"go"`
	System  string    `json:"system"`
	Clients int       `json:"clients"`
	Runs    int       `json:"runs"`
	Floor   numbers   `json:"floor"`
	Product numbers   `json:"product"`
	// Aims and what came out, in the aims' own units.
	Aims []aim `json:"aims"`
}

type aim struct {
	Name string  `json:"name"`
	Got  float64 `json:"got"`
	Want float64 `json:"want"`
	More bool    `json:"more_is_better"`
	Met  bool    `json:"met"`
}

func measure(ctx context.Context, o options) error {
	s, err := startStub(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	r := report{At: time.Now().UTC(), CPUs: runtime.NumCPU(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Clients: o.clients, Runs: o.runs}
	if r.Floor, err = measureOne(ctx, o, s, floorProgram(s)); err != nil {
		return fmt.Errorf("measure the floor: %w", err)
	}
	if r.Product, err = measureOne(ctx, o, s, product(o.binary, s)); err != nil {
		return fmt.Errorf("measure the product: %w", err)
	}
	r.Aims = aims(r)
	if err := r.print(os.Stdout); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the numbers: %w", err)
	}
	if err := os.WriteFile(o.json, append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the numbers: %w", err)
	}
	return nil
}

// aims compares with what is aimed at on two cores, with stub and load on the
// same machine.
func aims(r report) []aim {
	percent := func(a, b float64) float64 {
		if b == 0 {
			return 0
		}
		return 100 * a / b
	}
	out := []aim{
		{Name: "ingest, % of the floor", Got: percent(r.Product.AlertsPerSecond, r.Floor.AlertsPerSecond), Want: 60, More: true},
		{Name: "runs, % of the floor", Got: percent(r.Product.RunsPerSecond, r.Floor.RunsPerSecond), Want: 25, More: true},
		{Name: "p50 from webhook to last call, ms", Got: r.Product.P50MS, Want: 30},
		{Name: "idle memory, MB", Got: r.Product.IdleMB, Want: 120},
	}
	for i, a := range out {
		out[i].Met = a.More == (a.Got >= a.Want)
	}
	return out
}
