package intake

import (
	"context"
	"mime"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/trigger"
)

// Catalog is what is in force: the library answers.
type Catalog interface {
	// Source finds a source by its name.
	Source(name string) (Source, bool)
	// Triggers lists the alert triggers of every published playbook.
	Triggers() []trigger.Candidate
}

// Options are what intake works with; all but Count must be given.
type Options struct {
	Store   Store
	Catalog Catalog
	Now     func() time.Time
	NewID   func(p ident.Prefix) string
	// Count is told what became of each delivery: a fault code, or of each alert
	// new, repeat, reopened, closed, nothing or ignored. It may be nil.
	Count func(source, outcome string)
}

// Intake takes deliveries in. It may be used by many goroutines.
type Intake struct {
	o      Options
	mu     sync.Mutex
	limits map[string]*limiter
	shorts map[*expr.Expr]*expr.Expr // conditions with less work allowed
}

type limiter struct {
	*rate.Limiter
	of Limit
}

// New makes an intake.
func New(o Options) *Intake {
	if o.Count == nil {
		o.Count = func(string, string) {}
	}
	return &Intake{o: o, limits: map[string]*limiter{}, shorts: map[*expr.Expr]*expr.Expr{}}
}

// Request is one POST to /hooks/{source}. Body and Headers belong to the intake
// from then on: they are copies. Header names are in lower case.
type Request struct {
	Source      string
	ContentType string
	Body        []byte
	Headers     map[string]string
	IP          string // of the sender, for the audit log
}

func (r Request) header(name string) string { return r.Headers[strings.ToLower(name)] }

// MaxBody says how many bytes of a delivery to a source are worth reading. It
// answers for unknown sources too.
func (in *Intake) MaxBody(source string) int64 {
	s, _ := in.o.Catalog.Source(source)
	return s.Limit.MaxBody()
}

// Receive takes one delivery: it is on disk, alerts and queued runs, when the
// answer comes. Errors are *fault.Error: unauthorized (one and the same for
// every reason), rate_limited with RetryAfter, too_large, unsupported_type,
// bad_json, too_many_alerts, delivery_conflict, and what the store says.
func (in *Intake) Receive(ctx context.Context, r Request) (Answer, error) {
	a, err := in.receive(ctx, r)
	if err != nil {
		in.o.Count(in.known(r.Source), fault.CodeOf(err))
	}
	return a, err
}

// known keeps names of sources that do not exist out of the counters.
func (in *Intake) known(source string) string {
	if _, ok := in.o.Catalog.Source(source); ok {
		return source
	}
	return "unknown"
}

func (in *Intake) receive(ctx context.Context, r Request) (Answer, error) {
	now := in.o.Now()
	s, p, err := in.admit(r, now)
	if err != nil {
		return Answer{}, err
	}
	if err := in.pace(s, now); err != nil {
		return Answer{}, err
	}
	payload, err := decode(r)
	if err != nil {
		return Answer{}, err
	}
	id, err := identity(s, r, p)
	if err != nil {
		return Answer{}, err
	}
	found, err := alert.Normalise(s.Mapping, payload, publicHeaders(r.Headers), s.Name, now)
	if err != nil {
		return Answer{}, err
	}
	d := Delivery{
		ID: in.o.NewID(ident.Delivery), Source: s.Name, Identity: id,
		SHA256: ident.Sum(r.Body), Raw: r.Body, At: now, Items: in.items(s, r.Body, found),
	}
	answer, err := in.accept(ctx, d)
	if fault.CodeOf(err) == conflict {
		in.report(ctx, d, r)
	}
	return answer, err
}

// conflict is the code of a delivery's name that comes with another body.
const conflict = "delivery_conflict"

// admit finds the source and lets only its senders pass. The size is looked at
// before anything is computed over the body.
func (in *Intake) admit(r Request, now time.Time) (Source, proof, error) {
	s, ok := in.o.Catalog.Source(r.Source)
	if !ok {
		s = nobody()
	}
	if int64(len(r.Body)) > s.Limit.MaxBody() {
		return s, proof{}, fault.New(fault.TooLarge, "a delivery may not exceed %d bytes", s.Limit.MaxBody())
	}
	p := authenticate(s, r, now)
	if !p.ok || s.Disabled {
		return s, p, refused()
	}
	return s, p, nil
}

// pace holds a source to its rate; only its own senders use it up.
func (in *Intake) pace(s Source, now time.Time) error {
	l := in.limiter(s)
	booked := l.ReserveN(now, 1)
	wait := booked.DelayFrom(now)
	if wait <= 0 {
		return nil
	}
	booked.CancelAt(now)
	return fault.New(fault.RateLimited, "the source sends more than its rate allows").After(max(wait, time.Second).Round(time.Second))
}

func (in *Intake) limiter(s Source) *limiter {
	in.mu.Lock()
	defer in.mu.Unlock()
	l, ok := in.limits[s.Name]
	if !ok || l.of != s.Limit {
		per := s.Limit.perSecond()
		l = &limiter{rate.NewLimiter(rate.Limit(per), max(1, int(2*per))), s.Limit}
		in.limits[s.Name] = l
	}
	return l
}

func decode(r Request) (any, error) {
	kind, params, err := mime.ParseMediaType(r.ContentType)
	charset := strings.ToLower(params["charset"])
	isJSON := kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
	if err != nil || !isJSON || charset != "" && charset != "utf-8" {
		return nil, fault.New(fault.InvalidInput, "a delivery must be application/json").WithCode("unsupported_type")
	}
	payload, err := ident.Decode(r.Body)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidInput, "the body is not strict JSON: UTF-8, one value, no key twice, whole numbers within 64 bits").WithCode("bad_json")
	}
	return payload, nil
}

// publicHeaders leaves out whatever may be a credential.
func publicHeaders(all map[string]string) map[string]string {
	out := map[string]string{}
	for name, v := range all {
		lower := strings.ToLower(name)
		secretive := false
		for _, part := range []string{"auth", "cookie", "token", "secret", "signature", "password", "api-key", "apikey", "access-key", "credential", "session"} {
			secretive = secretive || strings.Contains(lower, part)
		}
		if !secretive {
			out[lower] = v
		}
	}
	return out
}

func (in *Intake) items(s Source, raw []byte, found []alert.Normalised) []Item {
	sum := ident.Sum(raw)
	out := make([]Item, len(found))
	for i, n := range found {
		a := n.Alert
		a.ID = in.o.NewID(ident.Alert)
		a.Raw = alert.Raw{SHA256: sum, Bytes: int64(len(raw))}
		a.Dedup = alert.DedupKey(a, s.Dedup)
		out[i] = Item{Alert: a, Closes: n.Closes, Ignore: n.Ignore, Window: s.Window}
	}
	return out
}

// report leaves an entry in the audit log: somebody uses a delivery's name twice.
func (in *Intake) report(ctx context.Context, d Delivery, r Request) {
	note := Delivery{ID: in.o.NewID(ident.Delivery), Source: d.Source, SHA256: d.SHA256, Raw: d.Raw, At: d.At, Audit: []audit.Draft{{
		At: d.At, Verb: verb, Outcome: audit.Refused, Object: audit.Object{Kind: "source", ID: d.Source},
		Actor:  audit.Actor{Kind: "system", ID: d.Source, Name: d.Source, IP: r.IP},
		Reason: "a delivery's name came again with another body",
	}}}
	// The sender gets the conflict either way; a store that cannot write says so
	// to the next delivery.
	_, err := in.o.Store.Accept(ctx, note, func(*alert.Alert, Item) Folded { return Folded{} })
	if err != nil {
		in.o.Count(d.Source, fault.CodeOf(err))
	}
}
