package e2e

import "testing"

// notYet lists the lines of the contract that are not built yet, each by name with
// the part it belongs to. A line moves out of here with its test.
var notYet = map[string]string{
	"tocsin playbook plan":      "plan of a playbook",
	"tocsin playbook replay":    "re-running past runs",
	"tocsin playbook diff":      "comparing versions",
	"tocsin playbook import":    "CACAO and BPMN",
	"tocsin playbook export":    "CACAO and BPMN",
	"tocsin policy backtest":    "policy over recorded inputs",
	"tocsin policy explain":     "explaining one decision",
	"tocsin integration usage":  "what depends on an action",
	"tocsin integration import": "a manifest from OpenAPI",
	"tocsin integration test":   "the contract suite as a command",
	"tocsin apply":              "sending a workspace to a server",
	"tocsin runs retry":         "a new occurrence of a step",
	"tocsin runs verify":        "re-evaluating a journal",

	"POST /playbooks/{name}/plan": "plan of a playbook",
	"PUT /policies/candidate, POST /policies/backtest, …/activate, …/ask": "changing policy in the app",
	"POST /workspace/plan, /workspace/apply":                              "sending a workspace to a server",
	"POST /runs/{id}/retry":                                               "a new occurrence of a step",
	"GET /cases":                                                          "cases",
	"GET /reports/summary":                                                "reports",
	"TOCSIN_DB=postgres://":                                               "PostgreSQL; its refusal is tested",
	"TOCSIN_ENGINE=temporal://":                                           "Temporal; its refusal is tested",
	"vault:// references":                                                 "a Vault-compatible server",
	"webhook styles stripe and standard":                                  "tested in server/intake; no vendor sends them here yet",
	"oidc.*, smtp.*":                                                      "sign-in elsewhere and mail",
}

func TestContractNotYet(t *testing.T) {
	for line, part := range notYet {
		t.Run(line, func(t *testing.T) { t.Skip("not built yet: " + part) })
	}
}
