package main

import (
	"log/slog"

	"rollcall/handlers"
)

const (
	usualConnections = 20_000 // open at once where the operator says nothing and files allow it
	ownFiles         = 256    // for the database, Redis, metrics, and those who are being turned away
	fewConnections   = 1000   // fewer than that is seldom meant
)

// connections is how many connections may be open, on a system that lets this process have files open. Who asks for many
// live ones alone gets room for them.
func (s *settings) connections(files int) int {
	if s.LimitConnections > 0 {
		return s.LimitConnections
	}
	return max(possible(files), s.LimitSockets+s.LimitSockets/10)
}

// possible is how many connections may be open where the operator says nothing.
func possible(files int) int {
	if files == 0 {
		return usualConnections
	}
	return min(usualConnections, max(files-ownFiles, files/2))
}

// limits is what one person, one address and everybody may use. Sockets leave a tenth of the connections to pages: who
// has a page open can then still load another one.
func (s *settings) limits(files int) handlers.Limits {
	connections := s.connections(files)
	sockets := s.LimitSockets
	if sockets == 0 {
		sockets = connections - connections/10
	}
	return handlers.Limits{
		Connections: connections, Sockets: sockets, SocketsUser: s.LimitSocketsUser, SocketsAddress: s.LimitSocketsAddress,
		Signups: s.LimitSignups, Logins: s.LimitLogins, Acts: s.LimitActs,
	}
}

// warnOfFiles logs when the system lets this process open fewer files than its limits speak of.
func (s *settings) warnOfFiles(files int, log *slog.Logger) {
	connections := s.connections(files)
	chosen := s.LimitConnections > 0 || connections > possible(files)
	switch {
	case files == 0:
	case connections+ownFiles > files && chosen:
		log.Warn("this process may not open as many files as the limit of connections needs: raise it (ulimit -n, LimitNOFILE), or lower --limit-connections or --limit-sockets",
			"files", files, "needed", connections+ownFiles)
	case connections < fewConnections && !chosen:
		log.Warn("this process may open few files, and so hold few connections: raise the limit (ulimit -n, LimitNOFILE)",
			"files", files, "connections", connections)
	}
}
