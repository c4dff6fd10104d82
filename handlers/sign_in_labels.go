package handlers

import (
	"context"
	"fmt"
	"slices"

	"rollcall/accounts"
)

// SignInLabels returns the labels of the buttons on the sign-in page that work for a person, in the order of the page,
// as its templates have them. It leaves out the password form, and ways that this server doesn't offer.
func (s *Server) SignInLabels(ctx context.Context, userID string) (labels []string, err error) {
	own, err := s.cfg.Accounts.OwnWays(ctx, userID)
	if err != nil {
		return nil, fmt.Errorf("labels to sign in: %w", err)
	}
	found, err := s.cfg.Accounts.Identities(ctx, userID)
	if err != nil {
		return nil, fmt.Errorf("labels to sign in: %w", err)
	}
	if s.cfg.Header != nil {
		for _, i := range found {
			if i.Provider == s.cfg.Header.Issuer() {
				labels = append(labels, "Continue as "+i.Subject)
			}
		}
	}
	if len(own.PasskeysFor(s.rpID())) > 0 {
		labels = append(labels, "Sign in with a passkey")
	}
	for _, p := range s.providers {
		if slices.ContainsFunc(found, func(i accounts.Identity) bool { return i.Provider == p.key() }) {
			labels = append(labels, "Sign in with "+p.name())
		}
	}
	return labels, nil
}
