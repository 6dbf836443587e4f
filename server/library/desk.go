package library

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/secret"
)

// SourceSpec is a source in the words of its file, without its secrets.
type SourceSpec struct {
	Mapping   string // an integration or generic; "" for one of its own
	Items     string
	Closes    string
	When      string
	Map       map[string]string
	Auth      string // hmac, bearer or basic
	Style     string // of hmac
	Username  string // of basic
	Delivery  string
	Key       string // of deduplication
	Window    time.Duration
	PerSecond float64
	Body      int64 // bytes
	Disabled  bool
}

func specOf(raw rawSource) SourceSpec {
	s := SourceSpec{
		Mapping: raw.Mapping.Scalar(), Items: raw.Items.Scalar(), Closes: raw.Closes.Scalar(), When: raw.When.Scalar(),
		Map: map[string]string{}, Delivery: raw.Delivery, Key: raw.Dedup.Key.Scalar(), Window: raw.Dedup.Window,
		PerSecond: raw.Limit.PerSecond, Body: int64(raw.Limit.Body), Disabled: raw.Disabled,
	}
	for _, e := range raw.Map.Entries() {
		s.Map[e.Key] = e.Value.Scalar()
	}
	switch a := raw.Auth; {
	case a == nil:
	case a.HMAC != nil:
		s.Auth, s.Style = "hmac", a.HMAC.Style
	case a.Bearer != nil:
		s.Auth = "bearer"
	case a.Basic != nil:
		s.Auth, s.Username = "basic", a.Basic.Username
	}
	return s
}

// sealedMark stands in the text of a stored source where its secret belongs.
const sealedMark = "sealed"

// text is a source as the database keeps it.
func (s SourceSpec) text(name string) map[string]any {
	out := map[string]any{"name": name, "disabled": s.Disabled}
	for key, v := range map[string]string{
		"mapping": s.Mapping, "items": s.Items, "closes": s.Closes, "when": s.When, "delivery": s.Delivery,
	} {
		if v != "" {
			out[key] = v
		}
	}
	if len(s.Map) > 0 {
		fields := map[string]any{}
		for k, v := range s.Map {
			fields[k] = v
		}
		out["map"] = fields
	}
	switch s.Auth {
	case "hmac":
		out["auth"] = map[string]any{"hmac": map[string]any{"style": s.Style, "secret": sealedMark}}
	case "bearer":
		out["auth"] = map[string]any{"bearer": map[string]any{"token": sealedMark}}
	case "basic":
		out["auth"] = map[string]any{"basic": map[string]any{"username": s.Username, "password": sealedMark}}
	}
	s.bounds(out)
	return out
}

func (s SourceSpec) bounds(out map[string]any) {
	dedup, limit := map[string]any{}, map[string]any{}
	if s.Key != "" {
		dedup["key"] = s.Key
	}
	if s.Window > 0 {
		dedup["window"] = s.Window.String()
	}
	if s.PerSecond > 0 {
		limit["per_second"] = s.PerSecond
	}
	if s.Body > 0 {
		limit["body"] = s.Body
	}
	if len(dedup) > 0 {
		out["dedup"] = dedup
	}
	if len(limit) > 0 {
		out["limit"] = limit
	}
}

// Rotation says what becomes of a source's secret.
type Rotation string

// The rotations. The zero one keeps.
const (
	Keep    Rotation = ""        // the secret stays
	Replace Rotation = "replace" // the old one ends at once
	Add     Rotation = "add"     // the old one is good beside it until the next change of the secret
)

// SourceWish is a source as somebody wants it. Secret is the new one, or a reference
// to it; it is needed unless Rotation keeps.
type SourceWish struct {
	Name     string
	Spec     SourceSpec
	Rotation Rotation
	Secret   string
}

// minSecret is how long a secret must be that somebody chose, in bytes.
const minSecret = 16

// storedSources reads those of the database; what a file brings is stronger.
func (b *build) storedSources(ctx context.Context) error {
	if b.o.Cabinet == nil {
		return nil
	}
	stored, err := b.o.Cabinet.Stored(ctx, Sources)
	if err != nil {
		return fmt.Errorf("read the stored sources: %w", err)
	}
	for _, x := range stored {
		if _, stronger := b.now.sourcesByName[x.Name]; stronger {
			continue
		}
		root, ps := document.Parse("source "+x.Name, x.Text)
		var s *Source
		if root != nil {
			s, ps = b.readSource(root, b.opened(x))
		}
		b.say(ps...)
		if s == nil {
			continue
		}
		s.Version, s.sha256 = x.Version, ident.Sum(x.Text)+"/"+strconv.FormatInt(x.Version, 10)
		b.now.sourcesByName[x.Name] = *s
	}
	return nil
}

// opened gives the secrets of a stored source. One that cannot be read is a problem,
// and the source takes nothing by it.
func (b *build) opened(x Stored) opener {
	return func(n *document.Node) ([]secret.Value, []fault.Problem) {
		var out []secret.Value
		var ps []fault.Problem
		for i := range len(x.Sealed) {
			field := strconv.Itoa(i)
			v, err := b.o.Sealer.OpenSecret("source/"+x.Name, field, x.Version, x.Sealed[field])
			if err == nil {
				v, err = b.o.Secrets.Resolve(v.Reveal())
			}
			if err != nil {
				ps = append(ps, n.Problem("secret_missing", "the secret of the source "+x.Name+" cannot be read: make a new one", ""))
				continue
			}
			out = append(out, v)
		}
		return out, ps
	}
}

// PutSource makes or replaces a source of the database. With create it must be new;
// seen is the version that the editor saw, 0 for any. Faults: conflict with the codes
// managed_by_files, exists, changed_meanwhile; invalid_input with every mistake at
// its field, secret_needed; not_found.
func (l *Library) PutSource(ctx context.Context, by audit.Actor, w SourceWish, create bool, seen int64) (Source, error) {
	if err := l.editableSource(w.Name); err != nil {
		return Source{}, err
	}
	err := l.o.Cabinet.ChangeStored(ctx, Sources, w.Name, func(old *Stored) (*Stored, []audit.Draft, error) {
		if err := old.seenAs(Sources, w.Name, create, seen); err != nil {
			return nil, nil, err
		}
		fresh, err := l.changeSource(old, w)
		if err != nil {
			return nil, nil, err
		}
		fresh.By, fresh.At = by.Name, l.o.Clock()
		d := l.draft(by, "source.edit", "source", w.Name, old.digest(), fresh.digest())
		if w.Rotation != Keep || create {
			d.Reason = "with a new secret"
		}
		return fresh, []audit.Draft{d}, nil
	})
	if err != nil {
		return Source{}, err
	}
	if _, err := l.Reload(ctx); err != nil {
		return Source{}, err
	}
	s, ok := l.Current().sourcesByName[w.Name]
	if !ok {
		return Source{}, fault.New(fault.NotFound, "there is no source %s", w.Name)
	}
	return s, nil
}

// DeleteSource ends a source's intake; its alerts stay.
func (l *Library) DeleteSource(ctx context.Context, by audit.Actor, name string, seen int64) error {
	if err := l.editableSource(name); err != nil {
		return err
	}
	err := l.o.Cabinet.ChangeStored(ctx, Sources, name, func(old *Stored) (*Stored, []audit.Draft, error) {
		if err := old.seenAs(Sources, name, false, seen); err != nil {
			return nil, nil, err
		}
		return nil, []audit.Draft{l.draft(by, "source.edit", "source", name, old.digest(), "")}, nil
	})
	if err != nil {
		return err
	}
	_, err = l.Reload(ctx)
	return err
}

// SourceNamed finds a source with what is known of it.
func (l *Library) SourceNamed(name string) (Source, bool) {
	s, ok := l.Current().sourcesByName[name]
	return s, ok
}

func (l *Library) editableSource(name string) error {
	if l.o.Cabinet == nil || l.o.Sealer == nil {
		return fault.New(fault.Conflict, "sources are kept in files here").WithCode("managed_by_files")
	}
	if s, ok := l.Current().sourcesByName[name]; ok && s.File != "" {
		return fault.New(fault.Conflict, "the source %s comes from %s; change it there", name, s.File).WithCode("managed_by_files")
	}
	return nil
}

// changeSource makes the new state of a source of a wish.
func (l *Library) changeSource(old *Stored, w SourceWish) (*Stored, error) {
	text, err := ident.Canonical(w.Spec.text(w.Name))
	if err != nil {
		return nil, fault.New(fault.InvalidInput, "the source cannot be kept: %s", err)
	}
	if err := l.checkSource(text); err != nil {
		return nil, err
	}
	fresh := &Stored{Name: w.Name, Text: text, Sealed: map[string][]byte{}, Version: 1}
	if old != nil {
		fresh.Version = old.Version + 1
	}
	secrets, err := l.sourceSecrets(old, w)
	if err != nil {
		return nil, err
	}
	for i, plain := range secrets {
		field := strconv.Itoa(i)
		sealed, err := l.o.Sealer.SealSecret("source/"+w.Name, field, fresh.Version, plain)
		if err != nil {
			return nil, fmt.Errorf("seal the secret of source %s: %w", w.Name, err)
		}
		fresh.Sealed[field] = sealed
	}
	return fresh, nil
}

// sourceSecrets gives the secrets of the new state, in the clear, the newest first.
func (l *Library) sourceSecrets(old *Stored, w SourceWish) ([]string, error) {
	var kept []string
	if old != nil && w.Rotation != Replace {
		for i := range len(old.Sealed) {
			field := strconv.Itoa(i)
			v, err := l.o.Sealer.OpenSecret("source/"+old.Name, field, old.Version, old.Sealed[field])
			if err != nil {
				return nil, fault.Wrap(err, fault.Conflict, "the secret cannot be opened: make a new one").WithCode("secret_unreadable")
			}
			kept = append(kept, v.Reveal())
		}
	}
	if old != nil && w.Rotation == Keep {
		if before, _ := document.Parse("source", old.Text); before != nil && !before.Get("auth").Has(w.Spec.Auth) {
			return nil, secretNeeded("another kind of authentication needs a new secret")
		}
		return kept, nil
	}
	if _, reference := secret.ParseRef(w.Secret); !reference && len(w.Secret) < minSecret {
		return nil, secretNeeded(fmt.Sprintf("a secret has at least %d bytes", minSecret))
	}
	if _, err := l.o.Secrets.Resolve(w.Secret); err != nil {
		return nil, err
	}
	return append([]string{w.Secret}, kept[:min(1, len(kept))]...), nil
}

func secretNeeded(why string) error {
	return fault.New(fault.InvalidInput, "%s", why).WithCode("secret_needed").WithPlaces(fault.Place{At: "/secret", Message: why})
}

// checkSource checks a text as if it stood in a file.
func (l *Library) checkSource(text []byte) error {
	b := &build{o: l.o, now: l.Current()}
	root, ps := document.Parse("source", text)
	if root != nil {
		_, ps = b.readSource(root, func(*document.Node) ([]secret.Value, []fault.Problem) { return nil, nil })
	}
	return refusal("the source has mistakes", text, ps)
}

// Try shows what a mapping makes of a payload. Nothing is stored. Payload is strict
// JSON. Errors: invalid_input with the codes bad_json and too_many_alerts, or with
// every mistake of the mapping at its field.
func (l *Library) Try(spec SourceSpec, payload []byte) ([]alert.Normalised, error) {
	spec.Auth = "bearer"
	text, err := ident.Canonical(spec.text("try"))
	if err != nil {
		return nil, fault.New(fault.InvalidInput, "the mapping cannot be read: %s", err)
	}
	b := &build{o: l.o, now: l.Current()}
	root, ps := document.Parse("source", text)
	if root == nil {
		return nil, refusal("the mapping has mistakes", text, ps)
	}
	s, ps := b.readSource(root, func(*document.Node) ([]secret.Value, []fault.Problem) { return nil, nil })
	if err := refusal("the mapping has mistakes", text, ps); err != nil {
		return nil, err
	}
	v, err := ident.Decode(payload)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidInput, "the payload is not strict JSON: one value, no key twice").WithCode("bad_json").
			WithPlaces(fault.Place{At: "/payload", Message: "is not strict JSON"})
	}
	return alert.Normalise(s.Mapping, v, nil, "try", l.o.Clock())
}
