package command

import (
	"log/slog"

	"rollcall/handlers"
)

const (
	usualConnections = 20_000 // default limit, if the limit on open files allows it
	ownFiles         = 256    // for the database, Redis, metrics, and connections that are being refused
	fewConnections   = 1000   // a lower limit is probably unintended
)

// connections returns how many connections can be open if the system allows this many open files. A high
// --limit-sockets raises it.
func (s *settings) connections(files int) int {
	if s.LimitConnections > 0 {
		return s.LimitConnections
	}
	return max(defaultConnections(files), s.LimitSockets+s.LimitSockets/10)
}

// defaultConnections returns how many connections can be open by default.
func defaultConnections(files int) int {
	if files == 0 {
		return usualConnections
	}
	return min(usualConnections, max(files-ownFiles, files/2))
}

// limits returns the limits per person, per address and in total. Live connections leave a tenth of the connections for
// requests, so that people with an open page can still load another one.
func (s *settings) limits(files int) handlers.Limits {
	connections := s.connections(files)
	sockets := s.LimitSockets
	if sockets == 0 {
		sockets = connections - connections/10
	}
	return handlers.Limits{
		Connections: connections, Sockets: sockets, SocketsUser: s.LimitSocketsUser, SocketsAddress: s.LimitSocketsAddress,
		Streams: s.LimitStreams,
		Signups: s.LimitSignups, Logins: s.LimitLogins, Acts: s.LimitActs,
	}
}

// warnOfFiles logs a warning if this process can't open as many files as its limits need.
func (s *settings) warnOfFiles(files int, log *slog.Logger) {
	connections := s.connections(files)
	chosen := s.LimitConnections > 0 || connections > defaultConnections(files)
	switch {
	case files == 0:
	case connections+ownFiles > files && chosen:
		log.Warn("the limit on open files is too low for the connection limit: "+
			"raise it (ulimit -n, LimitNOFILE), or lower --limit-connections or --limit-sockets",
			"files", files, "needed", connections+ownFiles)
	case connections < fewConnections && !chosen:
		log.Warn("the limit on open files allows only a few connections: raise it (ulimit -n, LimitNOFILE)",
			"files", files, "connections", connections)
	}
}
