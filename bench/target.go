package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// parseTarget parses the address of a server on this machine, including a base path. It replaces a host name with its
// loopback address, so that a later lookup can't lead to another machine.
func parseTarget(ctx context.Context, text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || u.Hostname() == "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("-addr %q: write an address like http://127.0.0.1:8080", text)
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return nil, fmt.Errorf("-addr: %w", err)
	}
	for _, ip := range found {
		if !ip.Unmap().IsLoopback() {
			return nil, fmt.Errorf("-addr %s: only servers on this machine can be measured, and %s is another one", text, ip)
		}
	}
	host := net.JoinHostPort(found[0].Unmap().String(), port)
	return &url.URL{Scheme: "http", Host: host, Path: strings.TrimRight(u.Path, "/")}, nil
}

// wholeRows is added to a query to get rows with names also for state changes, as programs other than our pages do.
const wholeRows = "&rows=whole"

// socketURL returns the address of the live socket for the page that query names. "" is what the board opens on. Like
// our pages, it asks for brief rows, unless the query ends in wholeRows.
func socketURL(base *url.URL, query string) string {
	u := *base
	if !strings.HasSuffix(query, wholeRows) {
		query += "&rows=brief"
	}
	u.Scheme, u.Path, u.RawQuery = "ws", base.Path+"/ws", strings.TrimPrefix(query, "&")
	return u.String()
}
