package handlers

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics holds the counters and histograms of events. Labels have few values, all known in advance: a route but never
// a path, an outcome but never a name. collector.go collects the statistics of other packages at each scrape.
type metrics struct {
	registry *prometheus.Registry
	routes   map[string]string // label by Echo's own path; missing paths are "other"

	requests *prometheus.CounterVec   // method, route, class
	took     *prometheus.HistogramVec // route
	signIns  *prometheus.CounterVec   // outcome
	signUps  *prometheus.CounterVec   // outcome
	proofs   *prometheus.CounterVec   // outcome
	refused  *prometheus.CounterVec   // reason
	dropped  prometheus.Counter
	slow     prometheus.Counter
	full     prometheus.Counter // connections above the connection limit
	render   prometheus.Histogram
	lag      prometheus.Histogram
}

// proofAsked is one more outcome of proofs: the person was asked for their password.
const proofAsked = "asked"

// Values of labels.
var (
	outcomes = []string{"ok", "refused", "limited", "unavailable", "gone"}
	refusals = []string{"full", "restart", "login"}
	classes  = []string{"1xx", "2xx", "3xx", "4xx", "5xx"}
	methods  = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions}
)

func newMetrics(s *Server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: counters("http_requests_total", "Requests answered, by method, route and class of status.", "method",
			"route", "class"),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "rollcall_http_request_duration_seconds",
			Help:    "Time to answer a request, by route. For /ws, the handshake only. Without streams.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route"}),
		signIns: counters("sign_ins_total", "Attempts to sign in, by outcome.", "outcome"),
		signUps: counters("sign_ups_total", "Attempts to sign up, by outcome.", "outcome"),
		proofs:  counters("proofs_total", "Proofs that were asked for and given to confirm a change, by outcome.", "outcome"),
		refused: counters("connections_refused_total", "Live connections closed on arrival, by reason.", "reason"),
		dropped: counter("frames_dropped_total",
			"Frames dropped because the queue of a slow reader was full. Its connection is then closed."),
		slow:   counter("slow_closes_total", "Live connections closed because their reader did not keep up."),
		full:   counter("http_connections_refused_total", "Connections refused because the limit was reached."),
		render: histogram("render_seconds", "Time to render the frames of one flush and send them to all connections."),
		lag: histogram("flush_lag_seconds",
			"Time from a visible change until its frame is sent. Up to 0.25 s is intended."),
	}
	for _, outcome := range outcomes { // start at 0, so that the first increase is visible
		m.signIns.WithLabelValues(outcome)
		m.signUps.WithLabelValues(outcome)
		m.proofs.WithLabelValues(outcome)
	}
	m.proofs.WithLabelValues(proofAsked)
	for _, reason := range refusals {
		m.refused.WithLabelValues(reason)
	}
	m.registry.MustRegister(m.requests, m.took, m.signIns, m.signUps, m.proofs, m.refused, m.dropped, m.slow, m.full,
		m.render, m.lag,
		collector{s}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "rollcall_build_info", Help: "1, with the version as a label.",
			ConstLabels: prometheus.Labels{"version": s.cfg.Version, "goversion": runtime.Version()},
		}, func() float64 { return 1 }))
	return m
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: "rollcall_" + name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rollcall_" + name, Help: help}, labels)
}

func histogram(name, help string) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "rollcall_" + name, Help: help,
		Buckets: []float64{.0001, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1},
	})
}

// learn sets the values of the route label, without the base path of this server.
func (m *metrics) learn(routes []*echo.Route, base string) {
	m.routes = map[string]string{}
	for _, r := range routes {
		label := r.Path
		if base != "" {
			label = "/" + strings.TrimPrefix(strings.TrimPrefix(label, base), "/")
		}
		m.routes[r.Path] = label
	}
}

// request counts a request that was answered.
func (m *metrics) request(c echo.Context, took time.Duration) {
	method, route := c.Request().Method, m.routes[c.Path()]
	if !slices.Contains(methods, method) {
		method = "other"
	}
	status := c.Response().Status
	if route == "" || status == http.StatusNotFound && !strings.Contains(route, "*") {
		route = "other"
	}
	m.requests.WithLabelValues(method, route, classes[min(max(status/100, 1), 5)-1]).Inc()
	if c.Get(streamKey) == nil {
		m.took.WithLabelValues(route).Observe(took.Seconds())
	}
}

// counted counts the outcomes of attempts.
func counted(attempts *prometheus.CounterVec) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := next(c)
			status := c.Response().Status
			if err != nil {
				status = explain(err, c.Request()).Status
			}
			attempts.WithLabelValues(outcome(status)).Inc()
			return err
		}
	}
}

// outcome returns the outcome of an attempt to sign in or sign up by the response's status.
func outcome(status int) string {
	switch {
	case status < 400:
		return "ok"
	case status == http.StatusTooManyRequests:
		return "limited"
	case status == statusClientGone:
		return "gone"
	case status >= 500:
		return "unavailable"
	}
	return "refused"
}

// flushed records one flush that sent something.
func (m *metrics) flushed(render, lag time.Duration) {
	m.render.Observe(render.Seconds())
	m.lag.Observe(lag.Seconds())
}

// Metrics answers GET /metrics in the text format of Prometheus. Serve it on a separate listener, because anybody who
// can reach it sees how many people there are. It reveals nothing about single people.
func (s *Server) Metrics() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{ErrorLog: metricsLog{s.log}}))
	return mux
}

// metricsLog logs errors of scrapes.
type metricsLog struct{ log *slog.Logger }

// Println is part of promhttp.Logger.
func (l metricsLog) Println(v ...any) {
	l.log.Error("metrics cannot be gathered", "err", fmt.Sprint(v...))
}
