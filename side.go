package main

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

// side is what an operator sees beside the board: metrics, and the insides of the process, each on a listener of its own.
type side struct {
	metrics, debug net.Listener // nil: not wanted
	servers        []*http.Server
	serving        sync.WaitGroup
}

// listenAside opens the listeners that are wanted, so that a port that is taken ends the start.
func (s *settings) listenAside() (*side, error) {
	aside := &side{}
	for _, l := range []struct {
		flag, addr string
		to         *net.Listener
	}{{"--metrics-addr", s.MetricsAddr, &aside.metrics}, {"--debug-addr", s.DebugAddr, &aside.debug}} {
		if l.addr == "" {
			continue
		}
		found, err := listen(l.flag, l.addr)
		if err != nil {
			aside.close()
			return nil, err
		}
		*l.to = found
	}
	return aside, nil
}

// checkAside refuses to show the insides of the process to other machines: they hold passwords and sessions.
func (s *settings) checkAside() error {
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
		return fmt.Errorf("--debug-addr %q: only an address of this machine itself, like 127.0.0.1:6060: what is shown there holds secrets", s.DebugAddr)
	}
	return nil
}

// Bounds of requests to the side.
const (
	sideReads  = 5 * time.Second
	sideWrites = 2 * time.Minute // a profile of half a minute fits in
)

// serve answers aside until close.
func (a *side) serve(metrics http.Handler, log *slog.Logger) {
	if a.metrics != nil {
		if host, _, err := net.SplitHostPort(a.metrics.Addr().String()); err == nil && ofThisMachine(host) {
			metrics = askedHere(metrics)
		}
		a.answer(a.metrics, metrics)
		log.Info("metrics are told to whoever reaches them", "url", "http://"+a.metrics.Addr().String()+"/metrics")
	}
	if a.debug != nil {
		a.answer(a.debug, askedHere(insides()))
		log.Info("profiles are shown to everybody on this machine", "url", "http://"+a.debug.Addr().String()+"/debug/pprof/")
	}
}

func (a *side) answer(l net.Listener, h http.Handler) {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: sideReads, ReadTimeout: sideReads, WriteTimeout: sideWrites, IdleTimeout: sideWrites,
		MaxHeaderBytes: 16 << 10,
	}
	a.servers = append(a.servers, server)
	a.serving.Go(func() { _ = server.Serve(l) }) // until close, which is no error
}

// askedHere refuses requests that name another host: a page of the web whose name was made to lead to this machine would
// otherwise read what only this machine may.
func askedHere(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = strings.Trim(r.Host, "[]")
		}
		if !ofThisMachine(host) {
			http.Error(w, "Ask for this at 127.0.0.1 or localhost.", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// ofThisMachine reports whether a host can be no other machine's.
func ofThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// insides are Go's profiles. The package that makes them also registers them where we do not serve.
func insides() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	return mux
}

// close ends what is served aside, cuts off who is being answered, and closes the listeners. It is the last to go: what a
// process does while it ends can be watched.
func (a *side) close() {
	for _, server := range a.servers {
		_ = server.Close()
	}
	for _, l := range []net.Listener{a.metrics, a.debug} {
		if l != nil {
			_ = l.Close()
		}
	}
	a.serving.Wait()
}
