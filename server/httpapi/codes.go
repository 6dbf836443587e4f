package httpapi

import (
	"encoding/json"
	"fmt"
)

// codes are what a refusal may carry, each with what it means and what to do.
//
//nolint:gochecknoglobals // a constant table
var codes = [][2]string{
	{"alert_required", "This playbook is started on an alert: name one."},
	{"already_decided", "Somebody decided this before you; nothing was changed. Read it again."},
	{"already_extended", "More time was given already; it is given once."},
	{"already_undoing", "The effect is being undone already."},
	{"already_undone", "The effect is undone already."},
	{"answer_needed", "This request is a question: answer it."},
	{"bad_answer", "The answer does not fit the form; errors says where."},
	{"bad_credentials", "The name or the password is wrong."},
	{"bad_cursor", "The cursor is not one that this list gave."},
	{"bad_email", "The mail address is not one."},
	{"bad_expiry", "A token ends later than now and within a year."},
	{"bad_filter", "A filter is none of the words it may be."},
	{"bad_json", "The body is not strict JSON."},
	{"bad_key", "The key in the settings is not one."},
	{"bad_kind", "An account is of kind person or service."},
	{"bad_limit", "The limit of a page is from 1 to 200."},
	{"bad_name", "The name is not one that may be given."},
	{"bad_parameter", "A query parameter is not what it should be."},
	{"bad_reply", "Another system answered something that cannot be used."},
	{"bad_request", "The request does not have the shape that is asked for; errors says where."},
	{"bad_sort", "The list has no such order."},
	{"bad_team", "A team's name is not one that may be given."},
	{"bad_token", "The API token is not valid."},
	{"cancelled", "It was given up before it was done."},
	{"changed_meanwhile", "Somebody else changed it. Read it again."},
	{"conflict", "It cannot be done in the state that things are in."},
	{"connection_broken", "A secret of the connection cannot be opened: enter it again."},
	{"connection_disabled", "The connection is disabled."},
	{"cross_site", "Another site made a browser send this."},
	{"database_corrupt", "The database is damaged; nothing is written to it."},
	{"database_recovering", "The database is being reopened; try again."},
	{"database_unavailable", "The database takes nothing now; try again."},
	{"decision_needed", "This request wants a decision, not an answer."},
	{"delivery_conflict", "This delivery came before with another body."},
	{"denied", "The policy denies it."},
	{"digest_changed", "What you saw is not what is waiting now. Read it again."},
	{"disk_full", "The disk is full; nothing was lost and nothing was taken."},
	{"egress_denied", "The address may not be called."},
	{"estate_broken", "The tables of assets and identities cannot be used."},
	{"exists", "There is one of this name already."},
	{"expired", "The time to answer is over."},
	{"expression", "An expression could not be evaluated."},
	{"extend_limit", "The policy gives no more time."},
	{"failed", "The playbook itself ended with this error."},
	{"forbidden", "You lack the permission that detail names."},
	{"header_too_large", "The headers are too large."},
	{"idempotency_conflict", "This Idempotency-Key was used for another body."},
	{"in_doubt", "Nobody knows whether it was done; a person must say."},
	{"in_progress", "The first request with this Idempotency-Key is still under way."},
	{"in_use", "Something uses it; errors lists what."},
	{"internal", "Something went wrong here. The log knows it by the instance."},
	{"invalid_delivery", "The name of the delivery is not one that can be kept."},
	{"invalid_input", "The request holds something that cannot be taken."},
	{"journal_conflict", "The run has gone on meanwhile; try again."},
	{"journal_damaged", "The journal of the run is not what was written."},
	{"key_missing", "The key that seals secrets is missing."},
	{"last_admin", "This would leave nobody who can administer."},
	{"link_invalid", "The link is used, over or mistyped. Ask for a new one."},
	{"managed_by_files", "A file of the workspace brings this; change it there."},
	{"method_not_allowed", "The address does not take this method."},
	{"name_taken", "The name is taken; names are never given twice."},
	{"no_connection", "No connection of this integration is meant: name one."},
	{"no_draft", "The playbook has no draft."},
	{"no_end", "The effect has no end that could be moved."},
	{"no_inverse", "Nothing is known that undoes the effect."},
	{"not_a_person", "This is for a person, not for a service account."},
	{"not_built", "This is not built yet."},
	{"not_entitled", "You are not among those who may decide this; detail says why."},
	{"not_first", "There are users already."},
	{"not_found", "There is nothing here."},
	{"not_in_doubt", "The step is not in doubt."},
	{"not_in_force", "The effect is not in force."},
	{"not_manual", "The playbook is not started by hand."},
	{"not_published", "No version of the playbook is published."},
	{"not_your_token", "Nobody makes a token that acts as another person."},
	{"nothing_to_withdraw", "There is no approval of yours to take back."},
	{"outcome_unknown", "It is not known whether this was kept. Read it again before you repeat it."},
	{"owner_disabled", "The token's owner is disabled."},
	{"playbook_broken", "The playbook has mistakes; errors says where."},
	{"policy_broken", "The policies cannot be used; the last good ones stay."},
	{"precondition_failed", "It was changed since you read it. Read it again."},
	{"rate_limited", "Too much at once; Retry-After says when to come back."},
	{"reason_needed", "Say why; it is kept in the audit log."},
	{"run_ended", "The run has ended already."},
	{"scope_not_yours", "A token makes none with more scopes than its own."},
	{"secret_missing", "A secret that is referred to is not there."},
	{"secret_reference_not_allowed", "The settings do not list this name for references."},
	{"secret_reference_unsupported", "Secrets cannot be referred to in this way here."},
	{"secret_needed", "The source needs a new secret: one of at least 16 bytes, or a reference."},
	{"secret_unreadable", "A stored secret cannot be opened: enter it again."},
	{"service_never_votes", "A service account never votes."},
	{"slow_request", "The request came in too slowly."},
	{"stopping", "The server is stopping."},
	{"timeout", "Another system took too long."},
	{"too_large", "The body is larger than the address takes."},
	{"too_many_alerts", "A delivery carries more alerts than one may."},
	{"too_many_streams", "There are too many event streams."},
	{"unauthorized", "Prove who you are first."},
	{"unavailable", "It cannot be done now; try again."},
	{"unknown_parameter", "There is no such query parameter."},
	{"unknown_role", "There is no such role."},
	{"unknown_scope", "There is no such scope."},
	{"unsupported_type", "Send the body in a type that the address takes, and say so."},
	{"weak_password", "The password is too weak; detail says why."},
	{"workspace_unreadable", "The workspace folder cannot be read."},
	{"wrong_connection", "The connection is to another integration."},
}

// Codes lists every code that a refusal may carry, with its meaning.
func Codes() map[string]string {
	out := make(map[string]string, len(codes))
	for _, c := range codes {
		out[c[0]] = c[1]
	}
	return out
}

// errorsSchema is the JSON Schema of a refusal with the list of codes.
func errorsSchema() (json.RawMessage, error) {
	names := make([]string, len(codes))
	for i, c := range codes {
		names[i] = c[0]
	}
	text := map[string]any{"type": "string"}
	place := map[string]any{
		"type": "object", "required": []string{"at", "message"},
		"properties": map[string]any{"at": text, "message": text},
	}
	raw, err := json.Marshal(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A refusal",
		"type": "object", "required": []string{"type", "title", "status", "detail", "code", "errors"},
		"properties": map[string]any{
			"type": text, "title": text, "detail": text, "instance": text, "status": map[string]any{"type": "integer"},
			"code":   map[string]any{"type": "string", "examples": names},
			"errors": map[string]any{"type": "array", "items": place},
		},
		"codes": Codes(),
	})
	if err != nil {
		return nil, fmt.Errorf("encode the list of codes: %w", err)
	}
	return raw, nil
}
