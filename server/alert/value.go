package alert

import "time"

// Value is an alert as expressions and policies see it: plain JSON values.
// For expressions (ranked) severity is its rank and moments are time.Time; for
// a policy severity is the word and moments are RFC 3339 text.
func Value(a Alert, ranked bool) map[string]any {
	var verdict any
	if a.Verdict != nil {
		verdict = *a.Verdict
	}
	severity := any(string(a.Severity))
	moment := func(t time.Time) any { return t.UTC().Format(time.RFC3339Nano) }
	if ranked {
		severity = int64(a.Severity.Rank())
		moment = func(t time.Time) any { return t }
	}
	fields := a.Fields
	if fields == nil {
		fields = map[string]any{}
	}
	return map[string]any{
		"id": a.ID, "source": a.Source, "source_id": a.SourceID, "url": a.URL, "title": a.Title,
		"description": a.Description, "category": a.Category, "status": string(a.Status), "verdict": verdict,
		"severity": severity, "confidence": a.Confidence,
		"first_seen": moment(a.FirstSeen), "last_seen": moment(a.LastSeen), "count": a.Count, "mapped": a.Mapped,
		"hosts": each(a.Hosts, func(h Host) any {
			return map[string]any{"name": h.Name, "ip": h.IP, "os": h.OS, "id": h.ID}
		}),
		"users": each(a.Users, func(u User) any {
			return map[string]any{"name": u.Name, "domain": u.Domain, "mail": u.Mail, "id": u.ID}
		}),
		"ips": anyOf(a.IPs), "domains": anyOf(a.Domains), "urls": anyOf(a.URLs),
		"mails": each(a.Mails, func(m Mail) any {
			return map[string]any{"from": m.From, "to": anyOf(m.To), "subject": m.Subject, "message_id": m.MessageID}
		}),
		"files": each(a.Files, func(f File) any {
			return map[string]any{"name": f.Name, "path": f.Path, "size": f.Size, "md5": f.MD5, "sha1": f.SHA1, "sha256": f.SHA256}
		}),
		"processes": each(a.Processes, func(p Process) any {
			return map[string]any{"name": p.Name, "path": p.Path, "pid": p.PID, "command_line": p.CommandLine, "parent": p.Parent}
		}),
		"attack": anyOf(a.Attack), "labels": anyOf(a.Labels),
		"fields": fields, "raw": map[string]any{"sha256": a.Raw.SHA256, "bytes": a.Raw.Bytes},
		"owner": a.Owner, "reason": a.Reason, "run": a.Run, "depth": a.Depth,
	}
}

func each[T any](list []T, f func(T) any) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = f(v)
	}
	return out
}
