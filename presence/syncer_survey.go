package presence

import "context"

// surveyLocked lists everybody on the noticeboard beside the rounds, which read and write meanwhile: the list takes
// seconds on a server that holds millions of keys of other programs.
func (s *syncer) surveyLocked(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	s.endSurvey = func() { cancel(); <-ended }
	s.surveying, s.surveyErr, s.whole = true, nil, false
	go func() {
		defer close(ended)
		err := s.link.survey(ctx, s.found)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.surveying, s.surveyErr = false, err
		s.resync = s.resync || err != nil
		s.kick()
	}()
}

// found marks a part of what a survey lists. It includes replicas that have no users yet.
func (s *syncer) found(users, replicas []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range replicas {
		if id != s.self {
			s.peerLocked(id)
		}
	}
	for _, u := range users {
		s.toRead[u] = struct{}{}
	}
	s.kick()
}
