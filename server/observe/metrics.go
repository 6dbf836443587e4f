package observe

import (
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics counts what the product does. Labels are closed sets or names of
// configured things, never text out of an alert.
type Metrics struct {
	registry *prometheus.Registry

	requests   *prometheus.CounterVec
	answering  *prometheus.HistogramVec
	streams    prometheus.Gauge
	deliveries *prometheus.CounterVec
	alerts     *prometheus.CounterVec
	runs       *prometheus.CounterVec
	steps      *prometheus.CounterVec
	calls      *prometheus.CounterVec
	calling    *prometheus.HistogramVec
	decisions  *prometheus.CounterVec
	judging    prometheus.Histogram
	commits    *prometheus.CounterVec
	committing prometheus.Histogram
	acts       prometheus.Histogram
	panics     *prometheus.CounterVec
	problems   *prometheus.GaugeVec
}

// NewMetrics makes the registry of one server.
func NewMetrics(version string) *Metrics {
	fast := []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1}
	wide := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	m := &Metrics{
		registry:   prometheus.NewRegistry(),
		requests:   counter("http_requests_total", "Requests answered.", "method", "route", "status"),
		answering:  histogram("http_request_seconds", "Time to answer, streams left out.", wide, "route"),
		streams:    prometheus.NewGauge(prometheus.GaugeOpts{Namespace: space, Name: "streams", Help: "Event streams open."}),
		deliveries: counter("deliveries_total", "Webhook deliveries by answer.", "source", "answer"),
		alerts:     counter("alerts_total", "Alerts taken: new, repeat, reopened or closed.", "source", "outcome"),
		runs:       counter("runs_total", "Runs that ended, by status.", "playbook", "status"),
		steps:      counter("steps_total", "Steps that ended, by status.", "status"),
		calls:      counter("calls_total", "Attempts of actions, by what they did.", "integration", "did"),
		calling:    histogram("call_seconds", "Time of an attempt.", wide, "integration"),
		decisions:  counter("decisions_total", "Decisions of the policy.", "outcome"),
		judging:    prometheus.NewHistogram(opts("decision_seconds", "Time of a decision.", fast)),
		commits:    counter("commits_total", "Transactions of the committer.", "result"),
		committing: prometheus.NewHistogram(opts("commit_seconds", "Time of a COMMIT with its sync.", fast)),
		acts:       prometheus.NewHistogram(opts("commit_acts", "Acts in one transaction.", []float64{1, 2, 4, 8, 16, 32, 64, 128, 256})),
		panics:     counter("panics_total", "Panics caught, by place.", "place"),
		problems: prometheus.NewGaugeVec(
			prometheus.GaugeOpts{Namespace: space, Name: "problems", Help: "Files in force that have problems, by severity."}, []string{"severity"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: space, Name: "build_info", Help: "Always 1.",
		ConstLabels: prometheus.Labels{"version": version, "go": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.answering, m.streams, m.deliveries, m.alerts, m.runs, m.steps, m.calls, m.calling,
		m.decisions, m.judging, m.commits, m.committing, m.acts, m.panics, m.problems, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

const space = "tocsin"

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Name: name, Help: help}, labels)
}

func opts(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Namespace: space, Name: name, Help: help, Buckets: buckets}
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(opts(name, help, buckets), labels)
}

// Handler serves the numbers in the text format of Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// Request counts an answer; route is the pattern, never the path.
func (m *Metrics) Request(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.answering.WithLabelValues(route).Observe(took.Seconds())
}

// Stream counts an event stream that begins (1) or ends (-1).
func (m *Metrics) Stream(by int) { m.streams.Add(float64(by)) }

// Delivery counts a webhook by its answer: accepted or a fault's code. Source is
// one that is configured, or "unknown".
func (m *Metrics) Delivery(source, answer string) { m.deliveries.WithLabelValues(source, answer).Inc() }

// Alert counts what an alert came to.
func (m *Metrics) Alert(source, outcome string) { m.alerts.WithLabelValues(source, outcome).Inc() }

// Run counts a run that ended.
func (m *Metrics) Run(playbook, status string) { m.runs.WithLabelValues(playbook, status).Inc() }

// Step counts a step that ended.
func (m *Metrics) Step(status string) { m.steps.WithLabelValues(status).Inc() }

// Call counts an attempt; did is nothing, unknown or done.
func (m *Metrics) Call(integration, did string, took time.Duration) {
	m.calls.WithLabelValues(integration, did).Inc()
	m.calling.WithLabelValues(integration).Observe(took.Seconds())
}

// Decision counts an answer of the policy.
func (m *Metrics) Decision(outcome string, took time.Duration) {
	m.decisions.WithLabelValues(outcome).Inc()
	m.judging.Observe(took.Seconds())
}

// Commit counts a transaction with its acts; err is what COMMIT said.
func (m *Metrics) Commit(acts int, took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.commits.WithLabelValues(result).Inc()
	m.committing.Observe(took.Seconds())
	m.acts.Observe(float64(acts))
}

// Panic counts one that was caught.
func (m *Metrics) Panic(place string) { m.panics.WithLabelValues(place).Inc() }

// Problems says how many problems the files in force have.
func (m *Metrics) Problems(errors, warnings int) {
	m.problems.WithLabelValues("error").Set(float64(errors))
	m.problems.WithLabelValues("warning").Set(float64(warnings))
}

// Queue shows a length, read when somebody asks. Each name once.
func (m *Metrics) Queue(name string, length func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: space, Name: "queue_length", Help: "Things waiting, by queue.", ConstLabels: prometheus.Labels{"queue": name},
	}, length))
}
