package handlers

import (
	"net/http"

	"rollcall/accounts"
)

// operations lists everything that the API can do. The OpenAPI document describes each of them under its ID; a test
// compares the two.
var operations = []operation{
	{"getMe", http.MethodGet, "/me", accounts.ReadMe, 0, (*Server).apiMe},
	{"getMyPresence", http.MethodGet, "/me/presence", accounts.ReadMe, 0, (*Server).apiMyPresence},
	{"putMyStatus", http.MethodPut, "/me/status", accounts.WriteMe, 0, (*Server).apiPutStatus},
	{"patchMyStatus", http.MethodPatch, "/me/status", accounts.WriteMe, 0, (*Server).apiPatchStatus},
	{"deleteMyStatus", http.MethodDelete, "/me/status", accounts.WriteMe, 0, (*Server).apiClearStatus},
	{"putMyPrivacy", http.MethodPut, "/me/privacy", accounts.WriteMe, 0, (*Server).apiPutPrivacy},
	{"listMyClaims", http.MethodGet, "/me/claims", accounts.ReadMe, 0, (*Server).apiClaims},
	{"putMyClaim", http.MethodPut, "/me/claims/{key}", accounts.WriteClaim, 0, (*Server).apiPutClaim},
	{"deleteMyClaim", http.MethodDelete, "/me/claims/{key}", accounts.WriteClaim, 0, (*Server).apiDeleteClaim},
	{"listMyDevices", http.MethodGet, "/me/devices", accounts.ReadMe, 0, (*Server).apiDevices},
	{"putMyDevice", http.MethodPut, "/me/devices/{key}", accounts.WriteClaim, countsAsRead, (*Server).apiPutDevice},
	{"deleteMyDevice", http.MethodDelete, "/me/devices/{key}", accounts.WriteClaim, countsAsRead, (*Server).apiEndDevice},
	{"listMyTokens", http.MethodGet, "/me/tokens", accounts.ReadMe, 0, (*Server).apiTokens},
	{"createMyToken", http.MethodPost, "/me/tokens", accounts.WriteMe, 0, (*Server).apiCreateToken},
	{"revokeMyToken", http.MethodDelete, "/me/tokens/{id}", accounts.WriteMe, 0, (*Server).apiRevokeToken},
	{"listMySessions", http.MethodGet, "/me/sessions", accounts.ReadMe, 0, (*Server).apiSessions},
	{"endMySessions", http.MethodDelete, "/me/sessions", accounts.WriteMe, 0, (*Server).apiEndSessions},
	{"endMySession", http.MethodDelete, "/me/sessions/{id}", accounts.WriteMe, 0, (*Server).apiEndSession},

	{"listUsers", http.MethodGet, "/users", accounts.ReadRoster, 0, (*Server).apiUsers},
	{"getUser", http.MethodGet, "/users/{name}", accounts.ReadRoster, 0, (*Server).apiUser},
	{"getPresence", http.MethodGet, "/presence", accounts.ReadRoster, 0, (*Server).apiPresence},
	{"queryPresence", http.MethodPost, "/presence/query", accounts.ReadRoster, countsAsRead, (*Server).apiQueryPresence},
	{"getPresenceStats", http.MethodGet, "/presence/stats", accounts.ReadRoster, 0, (*Server).apiStats},

	{"listShares", http.MethodGet, "/shares", accounts.ReadMe, 0, (*Server).apiShares},
	{"createShare", http.MethodPost, "/shares", accounts.WriteMe, showsPeople, (*Server).apiCreateShare},
	{"revokeShare", http.MethodDelete, "/shares/{id}", accounts.WriteMe, 0, (*Server).apiRevokeShare},

	{"listHooks", http.MethodGet, "/hooks", accounts.WriteHooks, 0, (*Server).apiHooks},
	{"createHook", http.MethodPost, "/hooks", accounts.WriteHooks, needsProof, (*Server).apiCreateHook},
	{"getHook", http.MethodGet, "/hooks/{id}", accounts.WriteHooks, 0, (*Server).apiHook},
	{"patchHook", http.MethodPatch, "/hooks/{id}", accounts.WriteHooks, needsProof, (*Server).apiPatchHook},
	{"deleteHook", http.MethodDelete, "/hooks/{id}", accounts.WriteHooks, needsProof, (*Server).apiDeleteHook},
	{"pauseHook", http.MethodPost, "/hooks/{id}/pause", accounts.WriteHooks, needsProof, (*Server).apiPauseHook},
	{"startHook", http.MethodPost, "/hooks/{id}/start", accounts.WriteHooks, needsProof, (*Server).apiStartHook},
	{"rotateHook", http.MethodPost, "/hooks/{id}/rotate", accounts.WriteHooks, needsProof, (*Server).apiRotateHook},
	{"testHook", http.MethodPost, "/hooks/{id}/test", accounts.WriteHooks, needsProof, (*Server).apiTestHook},
	{"listDeliveries", http.MethodGet, "/hooks/{id}/deliveries", accounts.WriteHooks, 0, (*Server).apiDeliveries},

	{"listAccounts", http.MethodGet, "/admin/users", accounts.Administer, 0, (*Server).apiAccounts},
	{"createAccount", http.MethodPost, "/admin/users", accounts.Administer, 0, (*Server).apiCreateAccount},
	{"getAccount", http.MethodGet, "/admin/users/{name}", accounts.Administer, 0, (*Server).apiAccount},
	{"patchAccount", http.MethodPatch, "/admin/users/{name}", accounts.Administer, 0, (*Server).apiPatchAccount},
	{"deleteAccount", http.MethodDelete, "/admin/users/{name}", accounts.Administer, 0, (*Server).apiDeleteAccount},
	{"createResetLink", http.MethodPost, "/admin/users/{name}/reset-link", accounts.Administer, 0, (*Server).apiResetLink},
	{"endAccountSessions", http.MethodDelete, "/admin/users/{name}/sessions", accounts.Administer, 0, (*Server).apiEndAccountSessions},
	{"resetFactors", http.MethodDelete, "/admin/users/{name}/factors", accounts.Administer, 0, (*Server).apiResetFactors},
	{"unlinkAccount", http.MethodDelete, "/admin/users/{name}/linked/{id}", accounts.Administer, 0, (*Server).apiUnlink},
	{"mailResetLink", http.MethodPost, "/admin/users/{name}/reset-mail", accounts.Administer, 0, (*Server).apiMailResetLink},
	{"previewImport", http.MethodPost, "/admin/import/preview", accounts.Administer, countsAsRead | isList,
		(*Server).apiPreviewImport},
	{"importAccounts", http.MethodPost, "/admin/import", accounts.Administer, isList, (*Server).apiImport},
	{"exportAccounts", http.MethodPost, "/admin/export/users", accounts.Administer, isList, (*Server).apiExportAccounts},
	{"exportAudit", http.MethodPost, "/admin/export/audit", accounts.Administer, isList, (*Server).apiExportAudit},
	{"listApprovals", http.MethodGet, "/admin/approvals", accounts.Administer, 0, (*Server).apiApprovals},
	{"approve", http.MethodPost, "/admin/approvals/{name}", accounts.Administer, 0, (*Server).apiApprove},
	{"decline", http.MethodDelete, "/admin/approvals/{name}", accounts.Administer, 0, (*Server).apiDecline},
	{"listTeams", http.MethodGet, "/admin/teams", accounts.Administer, 0, (*Server).apiTeams},
	{"patchTeam", http.MethodPatch, "/admin/teams/{team}", accounts.Administer, 0, (*Server).apiPatchTeam},
	{"deleteTeam", http.MethodDelete, "/admin/teams/{team}", accounts.Administer, 0, (*Server).apiDeleteTeam},
	{"listTeamPairs", http.MethodGet, "/admin/team-pairs", accounts.Administer, 0, (*Server).apiTeamPairs},
	{"pairTeams", http.MethodPut, "/admin/team-pairs/{team}/{other}", accounts.Administer, 0, (*Server).apiPairTeams},
	{"unpairTeams", http.MethodDelete, "/admin/team-pairs/{team}/{other}", accounts.Administer, 0, (*Server).apiUnpairTeams},
	{"listInvitations", http.MethodGet, "/admin/invitations", accounts.Administer, 0, (*Server).apiInvitations},
	{"createInvitation", http.MethodPost, "/admin/invitations", accounts.Administer, 0, (*Server).apiInvite},
	{"revokeInvitation", http.MethodDelete, "/admin/invitations/{id}", accounts.Administer, 0, (*Server).apiRevokeInvitation},
	{"getSettings", http.MethodGet, "/admin/settings", accounts.Administer, 0, (*Server).apiSettings},
	{"patchSettings", http.MethodPatch, "/admin/settings", accounts.Administer, 0, (*Server).apiPatchSettings},
	{"listAudit", http.MethodGet, "/admin/audit", accounts.Administer, 0, (*Server).apiAudit},
}
