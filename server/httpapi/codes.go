package httpapi

import (
	"encoding/json"
	"fmt"
)

// codes are what a refusal may carry, each with what it means and what to do.
//
//nolint:gochecknoglobals // a constant table
var codes = [][2]string{
	{"already_decided", "Somebody decided this before you; nothing was changed. Read it again."},
	{"already_undoing", "The effect is being undone already."},
	{"already_undone", "The effect is undone already."},
	{"alert_required", "This playbook is started on an alert: name one."},
	{"bad_credentials", "The name or the password is wrong."},
	{"bad_email", "The mail address is not one."},
	{"bad_expiry", "A token ends later than now and within a year."},
	{"bad_json", "The body is not strict JSON."},
	{"bad_kind", "An account is of kind person or service."},
	{"bad_name", "The name is not one that may be given."},
	{"bad_parameter", "A query parameter is not what it should be."},
	{"bad_reply", "Another system answered something that cannot be used."},
	{"bad_request", "The request does not have the shape that is asked for; errors says where."},
	{"bad_team", "A team's name is not one that may be given."},
	{"bad_token", "The API token is not valid."},
	{"cancelled", "It was given up before it was done."},
	{"changed_meanwhile", "Somebody else changed it. Read it again."},
	{"conflict", "It cannot be done in the state that things are in."},
	{"cross_site", "Another site made a browser send this."},
	{"delivery_conflict", "This delivery came before with another body."},
	{"denied", "The policy denies it."},
	{"digest_changed", "What you saw is not what is waiting now. Read it again."},
	{"egress_denied", "The address may not be called."},
	{"expired", "The time to answer is over."},
	{"expression", "An expression could not be evaluated."},
	{"forbidden", "You lack the permission that detail names."},
	{"header_too_large", "The headers are too large."},
	{"idempotency_conflict", "This Idempotency-Key was used for another body."},
	{"in_doubt", "Nobody knows whether it was done; a person must say."},
	{"in_progress", "The first request with this Idempotency-Key is still under way."},
	{"in_use", "Something uses it; errors lists what."},
	{"internal", "Something went wrong here. The log knows it by the instance."},
	{"invalid_input", "The request holds something that cannot be taken."},
	{"last_admin", "This would leave nobody who can administer."},
	{"link_invalid", "The link is used, over or mistyped. Ask for a new one."},
	{"managed_by_files", "A file of the workspace brings this; change it there."},
	{"method_not_allowed", "The address does not take this method."},
	{"name_taken", "The name is taken; names are never given twice."},
	{"no_end", "The effect has no end that could be moved."},
	{"no_inverse", "Nothing is known that undoes the effect."},
	{"not_a_person", "This is for a person, not for a service account."},
	{"not_built", "This is not built yet."},
	{"not_entitled", "You are not among those who may decide this; detail says why."},
	{"not_found", "There is nothing here."},
	{"not_in_doubt", "The step is not in doubt."},
	{"not_in_force", "The effect is not in force."},
	{"not_manual", "The playbook is not started by hand."},
	{"not_your_token", "Nobody makes a token that acts as another person."},
	{"owner_disabled", "The token's owner is disabled."},
	{"precondition_failed", "It was changed since you read it. Read it again."},
	{"rate_limited", "Too much at once; Retry-After says when to come back."},
	{"reason_needed", "Say why; it is kept in the audit log."},
	{"run_ended", "The run has ended already."},
	{"scope_not_yours", "A token makes none with more scopes than its own."},
	{"secret_reference_not_allowed", "The settings do not list this name for references."},
	{"service_never_votes", "A service account never votes."},
	{"slow_request", "The request came in too slowly."},
	{"timeout", "Another system took too long."},
	{"too_large", "The body is larger than the address takes."},
	{"too_many_streams", "There are too many event streams."},
	{"unauthorized", "Prove who you are first."},
	{"unavailable", "It cannot be done now; try again."},
	{"unknown_parameter", "There is no such query parameter."},
	{"unknown_role", "There is no such role."},
	{"unknown_scope", "There is no such scope."},
	{"unsupported_type", "Send the body in a type that the address takes, and say so."},
	{"weak_password", "The password is too weak; detail says why."},
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
