package demo

import (
	"fmt"
	"time"
)

// The world on its first day. FIN-LT-0231 is the laptop of the first alert;
// SRV-DC-01 must never be isolated; SRV-FILE-02 is critical; HR-LT-0112 and
// ENG-WS-0417 fall ill later; OPS-LT-0090 is offline.

const (
	shaMalware = "9f2c4ad0b7d1c5f0a8846f52f5d1b0c3e7a94d2b6c8e13f7509ab2d4c6e8f011"
	shaRclone  = "4b7e1f90c2a3d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e"
	shaExplore = "0c5d7e9f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5"
	shaWord    = "1d6e8f0a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6"

	phishURL    = "https://login.exаmple-invoices.test/a/4471/pay?session=3f9ac2d07be14d52a8c06e5f7b90d1c4e8a25f63b7d09c1e4f82a6b3d5c7e9f0&next=https%3A%2F%2Fexample.test%2F" // the а of exаmple is Cyrillic
	phishSender = "billing@exаmple-invoices.test"
	bruteIP     = "203.0.113.77"
)

//nolint:gochecknoglobals // constant tables
var (
	groups   = []string{"staff", "finance", "engineering", "hr", "it-admins", "vpn-users"}
	channels = []string{"soc", "it-help"}
	verdicts = map[string]fileVerdict{
		shaMalware: {Verdict: "malicious", Family: "Blackcask.loader", Engines: 70, Flagged: 58},
		shaRclone:  {Verdict: "suspicious", Family: "dual-use: rclone", Engines: 70, Flagged: 4},
		shaExplore: {Verdict: "clean", Engines: 70},
		shaWord:    {Verdict: "clean", Engines: 70},
	}
	logins = map[string]string{"siem": "tocsin", "mail": "tocsin"} // the others take a bearer token
)

func newState(now time.Time) state {
	base := now.UTC().Truncate(time.Second)
	return state{
		Version: stateVersion, Base: base,
		Hosts: seedHosts(), Users: seedUsers(base), Mails: seedMails(base),
		Tickets: []*ticket{}, Chat: []chatMessage{}, Blocks: []*block{}, Answered: []answered{},
		Spared: []string{}, Fed: map[string]time.Time{}, Counts: map[string]int64{"ticket": 1040},
	}
}

func seedHosts() []*host {
	make1 := func(n int, name, os, who, site string, online bool, extra ...process) *host {
		h := &host{
			ID: fmt.Sprintf("h-%04d", n), Name: name, IP: fmt.Sprintf("10.20.%d.%d", n/100, 10+n%100), OS: os,
			User: who, Site: site, Online: online,
		}
		h.Processes = append(h.Processes,
			process{PID: 812, Name: "explorer.exe", Path: `C:\Windows\explorer.exe`, CommandLine: "explorer.exe", Parent: "userinit.exe", User: who, SHA256: shaExplore},
			process{PID: 3140, Name: "winword.exe", Path: `C:\Program Files\Office\winword.exe`, CommandLine: "winword.exe /n", Parent: "explorer.exe", User: who, SHA256: shaWord})
		h.Processes = append(h.Processes, extra...)
		return h
	}
	loader := func(who string) process {
		return process{
			PID: 6644, Name: "update-helper.exe", Path: `C:\Users\` + who + `\AppData\Local\Temp\update-helper.exe`,
			CommandLine: `update-helper.exe /quiet & vssadmin delete shadows /all`, Parent: "winword.exe", User: who, SHA256: shaMalware,
		}
	}
	rclone := process{
		PID: 7012, Name: "rclone.exe", Path: `C:\ProgramData\rclone.exe`, CommandLine: "rclone.exe copy D:\\shares remote:out --transfers 32",
		Parent: "cmd.exe", User: "svc_backup", SHA256: shaRclone,
	}
	return []*host{
		make1(231, "FIN-LT-0231", "Windows 11", "m.keller", "Hamburg", true, loader("m.keller")),
		make1(112, "HR-LT-0112", "Windows 11", "a.soto", "Hamburg", true, loader("a.soto")),
		make1(417, "ENG-WS-0417", "Windows 11", "j.osei", "Lisbon", true, loader("j.osei")),
		make1(90, "OPS-LT-0090", "Windows 10", "t.brandt", "Lisbon", false),
		make1(502, "SRV-FILE-02", "Windows Server 2025", "svc_backup", "Hamburg", true, rclone),
		make1(501, "SRV-DC-01", "Windows Server 2025", "SYSTEM", "Hamburg", true),
		make1(503, "SRV-WEB-03", "Debian 13", "www-data", "Lisbon", true),
		make1(318, "SALES-LT-0318", "macOS 16", "r.lindqvist", "Stockholm", true),
	}
}

func seedUsers(base time.Time) []*user {
	make1 := func(n int, name, full, unit, manager string, in ...string) *user {
		return &user{
			ID: fmt.Sprintf("u-%04d", n), Name: name, FullName: full, Mail: name + "@example.test", Unit: unit, Manager: manager,
			Groups: append([]string{"staff"}, in...), Enabled: true, Sessions: 1 + n%3, LastLogin: base.Add(-time.Duration(n) * 7 * time.Minute),
		}
	}
	return []*user{
		make1(1, "m.keller", "Mara Keller", "Finance", "l.haas", "finance", "vpn-users"),
		make1(2, "a.soto", "Ana Soto", "Human resources", "l.haas", "hr", "vpn-users"),
		make1(3, "j.osei", "Jonas Osei", "Engineering", "r.lindqvist", "engineering", "vpn-users"),
		make1(4, "t.brandt", "Tom Brandt", "Operations", "l.haas", "it-admins", "vpn-users"),
		make1(5, "r.lindqvist", "Rut Lindqvist", "Sales", "l.haas", "vpn-users"),
		make1(6, "l.haas", "Lea Haas", "Board", "", "vpn-users"),
		make1(7, "svc_backup", "Backup service", "IT", "t.brandt", "it-admins"),
	}
}

func seedMails(base time.Time) []*mail {
	ms := []*mail{}
	for i, to := range []string{"m.keller", "a.soto", "j.osei", "r.lindqvist"} {
		ms = append(ms, &mail{
			ID: fmt.Sprintf("msg-%04d", 7001+i), From: phishSender, To: to + "@example.test",
			Subject: "Invoice 4471 is overdue <b>ACT NOW</b>", Received: base.Add(-time.Duration(38-i) * time.Minute),
			URLs: []string{phishURL}, Attachments: []string{"invoice-4471.html"}, Folder: inbox,
		})
	}
	return append(ms, &mail{
		ID: "msg-6990", From: "billing@example-supplier.test", To: "m.keller@example.test", Subject: "Invoice 4470, paid, thank you",
		Received: base.Add(-26 * time.Hour), URLs: []string{"https://example-supplier.test/invoices/4470"}, Attachments: []string{"invoice-4470.pdf"}, Folder: inbox,
	})
}
