package demo

import "net/http"

// handler puts the products side by side, each behind its own credential, and
// the page for people in front.
func (r *Range) handler(c credentials) http.Handler {
	all := http.NewServeMux()
	all.Handle("GET /{$}", http.HandlerFunc(r.page))
	all.Handle("GET /range.css", http.HandlerFunc(r.style))
	for name, routes := range map[string]map[string]http.HandlerFunc{
		"siem": {
			"GET /siem/status":  r.read(status),
			"POST /siem/search": r.read(searchEvents),
		},
		"edr": {
			"GET /edr/v1/status":                 r.read(status),
			"GET /edr/v1/hosts":                  r.read(listHosts),
			"GET /edr/v1/hosts/{host}":           r.read(getHost),
			"GET /edr/v1/hosts/{host}/processes": r.read(listProcesses),
			"POST /edr/v1/hosts/{host}/isolate":  r.write(isolateHost),
			"POST /edr/v1/hosts/{host}/release":  r.write(releaseHost),
			"POST /edr/v1/hosts/{host}/kill":     r.write(killProcess),
			"GET /edr/v1/files/{sha256}":         r.read(getFile),
			"GET /edr/v1/operations/{key}":       r.read(findOperation),
		},
		"tickets": {
			"GET /tickets/api/status":               r.read(status),
			"GET /tickets/api/issues":               r.read(findTickets),
			"POST /tickets/api/issues":              r.write(createTicket),
			"GET /tickets/api/issues/{key}":         r.read(getTicket),
			"POST /tickets/api/issues/{key}/close":  r.write(closeTicket),
			"POST /tickets/api/issues/{key}/reopen": r.write(reopenTicket),
			"POST /tickets/api/issues/{key}/notes":  r.write(addComment),
		},
		"directory": {
			"GET /directory/v2/status":                                r.read(status),
			"GET /directory/v2/users/{user}":                          r.read(getUser),
			"POST /directory/v2/users/{user}/disable":                 r.write(disableUser),
			"POST /directory/v2/users/{user}/enable":                  r.write(enableUser),
			"POST /directory/v2/users/{user}/signout":                 r.write(signOutUser),
			"GET /directory/v2/groups/{group}":                        r.read(getGroup),
			"POST /directory/v2/groups/{group}/members/{user}/add":    r.write(addMember),
			"POST /directory/v2/groups/{group}/members/{user}/remove": r.write(removeMember),
		},
		"mail": {
			"GET /mail/status":             r.read(status),
			"POST /mail/messages/search":   r.read(searchMail),
			"GET /mail/messages/{message}": r.read(getMail),
			"POST /mail/messages/purge":    r.write(purgeMail),
			"POST /mail/messages/restore":  r.write(restoreMail),
		},
		"chat": {
			"GET /chat/api/status":   r.read(status),
			"GET /chat/api/messages": r.read(listChat),
			"POST /chat/api/post":    r.write(postChat),
		},
		"firewall": {
			"GET /firewall/status":   r.read(status),
			"GET /firewall/blocks":   r.read(listBlocks),
			"POST /firewall/block":   r.write(blockAddress),
			"POST /firewall/unblock": r.write(unblockAddress),
		},
	} {
		product := http.NewServeMux()
		for pattern, f := range routes {
			product.Handle(pattern, f)
		}
		product.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
			r.fail(w, refuse(http.StatusNotFound, "not_found", "there is no such call"))
		})
		all.Handle("/"+name+"/", r.guard(logins[name], c.products[name], product))
	}
	return r.local(all)
}

func status(s *state, _ request) (any, error) {
	return map[string]any{"status": "ok", "version": s.Version}, nil
}
