package command

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// diagnostics serves metrics and profiles for operators, each on its own listener.
type diagnostics struct {
	metrics, debug net.Listener // nil if off
	servers        []*http.Server
	serving        sync.WaitGroup
}

// listenDiagnostics opens the listeners that are on. It runs at the start, so that the start fails if a port is in use.
func listenDiagnostics(s *settings) (*diagnostics, error) {
	d := &diagnostics{}
	for _, l := range []struct {
		flag, addr string
		to         *net.Listener
	}{{"--metrics-addr", s.MetricsAddr, &d.metrics}, {"--debug-addr", s.DebugAddr, &d.debug}} {
		if l.addr == "" {
			continue
		}
		found, err := listen(l.flag, l.addr)
		if err != nil {
			d.close()
			return nil, err
		}
		*l.to = found
	}
	return d, nil
}

// checkDiagnostics checks the addresses. Only this machine can read profiles, because they can contain passwords and
// sessions.
func checkDiagnostics(s *settings) error {
	if s.MetricsAddr != "" {
		if err := checkAddrOf("--metrics-addr", s.MetricsAddr); err != nil {
			return err
		}
	}
	if s.DebugAddr == "" {
		return nil
	}
	if err := checkAddrOf("--debug-addr", s.DebugAddr); err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(s.DebugAddr)
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return fmt.Errorf("--debug-addr %q: profiles can contain secrets: use an address of this machine, like 127.0.0.1:6060",
			s.DebugAddr)
	}
	return nil
}

// Time limits for requests to the diagnostics.
const (
	readDiagnostics  = 5 * time.Second
	writeDiagnostics = 2 * time.Minute // enough for a profile of half a minute
)

// serve starts serving. Stop it with close.
func (d *diagnostics) serve(metrics http.Handler, log *slog.Logger) {
	if d.metrics != nil {
		if host, _, err := net.SplitHostPort(d.metrics.Addr().String()); err == nil && isThisMachine(host) {
			metrics = localOnly(metrics)
		}
		d.answer(d.metrics, metrics)
		log.Info("serving metrics to everyone who can reach them", "url", "http://"+d.metrics.Addr().String()+"/metrics")
	}
	if d.debug != nil {
		d.answer(d.debug, localOnly(profiles()))
		log.Info("serving profiles to everyone on this machine", "url", "http://"+d.debug.Addr().String()+"/debug/pprof/")
	}
}

func (d *diagnostics) answer(l net.Listener, h http.Handler) {
	server := &http.Server{
		Handler: h, MaxHeaderBytes: 16 << 10,
		ReadHeaderTimeout: readDiagnostics, ReadTimeout: readDiagnostics,
		WriteTimeout: writeDiagnostics, IdleTimeout: writeDiagnostics,
	}
	d.servers = append(d.servers, server)
	d.serving.Go(func() { _ = server.Serve(l) }) // always returns an error, even after close
}

// localOnly rejects requests for other hosts. Otherwise, a website could point its domain at this machine and read what
// only this machine is allowed to see.
func localOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = strings.Trim(r.Host, "[]")
		}
		if !isThisMachine(host) {
			http.Error(w, "Use 127.0.0.1 or localhost as the host.", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// isThisMachine reports whether a host can only be this machine.
func isThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// profiles serves Go's profiles. Importing pprof also registers them with http.DefaultServeMux, which Rollcall doesn't
// serve.
func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	return mux
}

// close cuts off open requests and closes the listeners. It comes last, so that operators can watch a process while it
// stops.
func (d *diagnostics) close() {
	for _, server := range d.servers {
		_ = server.Close()
	}
	for _, l := range []net.Listener{d.metrics, d.debug} {
		if l != nil {
			_ = l.Close()
		}
	}
	d.serving.Wait()
}
