package handlers

import (
	"net/http"

	"rollcall/accounts"
)

// operations lists everything that the API can do. The OpenAPI document describes each of them under its ID; a test
// compares the two.
var operations = []operation{
	{"getMe", http.MethodGet, "/me", accounts.ReadMe, false, (*Server).apiMe},
	{"getMyPresence", http.MethodGet, "/me/presence", accounts.ReadMe, false, (*Server).apiMyPresence},
	{"putMyStatus", http.MethodPut, "/me/status", accounts.WriteMe, false, (*Server).apiPutStatus},
	{"patchMyStatus", http.MethodPatch, "/me/status", accounts.WriteMe, false, (*Server).apiPatchStatus},
	{"deleteMyStatus", http.MethodDelete, "/me/status", accounts.WriteMe, false, (*Server).apiClearStatus},
	{"putMyPrivacy", http.MethodPut, "/me/privacy", accounts.WriteMe, false, (*Server).apiPutPrivacy},
	{"listMyClaims", http.MethodGet, "/me/claims", accounts.ReadMe, false, (*Server).apiClaims},
	{"putMyClaim", http.MethodPut, "/me/claims/{key}", accounts.WriteClaim, false, (*Server).apiPutClaim},
	{"deleteMyClaim", http.MethodDelete, "/me/claims/{key}", accounts.WriteClaim, false, (*Server).apiDeleteClaim},
	{"listMyTokens", http.MethodGet, "/me/tokens", accounts.ReadMe, false, (*Server).apiTokens},
	{"createMyToken", http.MethodPost, "/me/tokens", accounts.WriteMe, false, (*Server).apiCreateToken},
	{"revokeMyToken", http.MethodDelete, "/me/tokens/{id}", accounts.WriteMe, false, (*Server).apiRevokeToken},
	{"listMySessions", http.MethodGet, "/me/sessions", accounts.ReadMe, false, (*Server).apiSessions},
	{"endMySessions", http.MethodDelete, "/me/sessions", accounts.WriteMe, false, (*Server).apiEndSessions},
	{"endMySession", http.MethodDelete, "/me/sessions/{id}", accounts.WriteMe, false, (*Server).apiEndSession},

	{"listUsers", http.MethodGet, "/users", accounts.ReadRoster, false, (*Server).apiUsers},
	{"getUser", http.MethodGet, "/users/{name}", accounts.ReadRoster, false, (*Server).apiUser},
	{"getPresence", http.MethodGet, "/presence", accounts.ReadRoster, false, (*Server).apiPresence},
	{"queryPresence", http.MethodPost, "/presence/query", accounts.ReadRoster, true, (*Server).apiQueryPresence},
	{"getPresenceStats", http.MethodGet, "/presence/stats", accounts.ReadRoster, false, (*Server).apiStats},

	{"listAccounts", http.MethodGet, "/admin/users", accounts.Administer, false, (*Server).apiAccounts},
	{"createAccount", http.MethodPost, "/admin/users", accounts.Administer, false, (*Server).apiCreateAccount},
	{"getAccount", http.MethodGet, "/admin/users/{name}", accounts.Administer, false, (*Server).apiAccount},
	{"patchAccount", http.MethodPatch, "/admin/users/{name}", accounts.Administer, false, (*Server).apiPatchAccount},
	{"deleteAccount", http.MethodDelete, "/admin/users/{name}", accounts.Administer, false, (*Server).apiDeleteAccount},
	{"createResetLink", http.MethodPost, "/admin/users/{name}/reset-link", accounts.Administer, false, (*Server).apiResetLink},
	{"endAccountSessions", http.MethodDelete, "/admin/users/{name}/sessions", accounts.Administer, false, (*Server).apiEndAccountSessions},
	{"resetFactors", http.MethodDelete, "/admin/users/{name}/factors", accounts.Administer, false, (*Server).apiResetFactors},
	{"listApprovals", http.MethodGet, "/admin/approvals", accounts.Administer, false, (*Server).apiApprovals},
	{"approve", http.MethodPost, "/admin/approvals/{name}", accounts.Administer, false, (*Server).apiApprove},
	{"decline", http.MethodDelete, "/admin/approvals/{name}", accounts.Administer, false, (*Server).apiDecline},
	{"listTeams", http.MethodGet, "/admin/teams", accounts.Administer, false, (*Server).apiTeams},
	{"patchTeam", http.MethodPatch, "/admin/teams/{team}", accounts.Administer, false, (*Server).apiPatchTeam},
	{"deleteTeam", http.MethodDelete, "/admin/teams/{team}", accounts.Administer, false, (*Server).apiDeleteTeam},
	{"listInvitations", http.MethodGet, "/admin/invitations", accounts.Administer, false, (*Server).apiInvitations},
	{"createInvitation", http.MethodPost, "/admin/invitations", accounts.Administer, false, (*Server).apiInvite},
	{"revokeInvitation", http.MethodDelete, "/admin/invitations/{id}", accounts.Administer, false, (*Server).apiRevokeInvitation},
	{"getSettings", http.MethodGet, "/admin/settings", accounts.Administer, false, (*Server).apiSettings},
	{"patchSettings", http.MethodPatch, "/admin/settings", accounts.Administer, false, (*Server).apiPatchSettings},
	{"listAudit", http.MethodGet, "/admin/audit", accounts.Administer, false, (*Server).apiAudit},
}
