package app

import (
	"context"
	"crypto/rand"

	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/httpapi"
	"github.com/tocsin-soar/tocsin/server/library"
)

// doors shows and edits sources.
type doors struct{ a *App }

// Sources lists them by name.
func (d doors) Sources(context.Context) ([]httpapi.Source, error) {
	out := []httpapi.Source{}
	for _, s := range d.a.lib.Current().Sources() {
		w := shownSource(s)
		w.Spec = nil
		out = append(out, w)
	}
	return out, nil
}

// Source gives one.
func (d doors) Source(_ context.Context, name string) (httpapi.Source, error) {
	s, ok := d.a.lib.SourceNamed(name)
	if !ok {
		return httpapi.Source{}, fault.New(fault.NotFound, "no such source")
	}
	return shownSource(s), nil
}

func shownSource(s library.Source) httpapi.Source {
	w := httpapi.Source{
		Name: s.Name, Mapping: s.MappingName, Auth: s.AuthName, Disabled: s.Disabled, ManagedBy: s.File, Version: s.Version,
		Spec: &httpapi.SourceSpec{
			Mapping: s.Spec.Mapping, Items: s.Spec.Items, Closes: s.Spec.Closes, When: s.Spec.When, Map: s.Spec.Map,
			Auth: s.Spec.Auth, Style: s.Spec.Style, Username: s.Spec.Username, Delivery: s.Spec.Delivery, Key: s.Spec.Key,
			PerSecond: s.Spec.PerSecond, Body: s.Spec.Body,
		},
	}
	if s.Spec.Window > 0 {
		w.Spec.Window = s.Spec.Window.String()
	}
	return w
}

// PutSource makes or replaces one. A secret that is needed and not given is made.
func (d doors) PutSource(ctx context.Context, by control.Actor, w httpapi.SourceWish, create bool, seen int64) (httpapi.SourceMade, error) {
	spec, err := specOf(w)
	if err != nil {
		return httpapi.SourceMade{}, err
	}
	wish := library.SourceWish{Name: w.Name, Spec: spec, Rotation: library.Rotation(w.Rotation), Secret: w.Secret}
	made := ""
	if w.Secret == "" && (create || w.Rotation != "") {
		made = rand.Text() + rand.Text()
		wish.Secret = made
	}
	if w.Secret != "" && !create && wish.Rotation == library.Keep {
		wish.Rotation = library.Replace
	}
	s, err := d.a.lib.PutSource(ctx, by.Actor, wish, create, seen)
	if err != nil {
		return httpapi.SourceMade{}, err
	}
	return httpapi.SourceMade{Source: shownSource(s), Secret: made}, nil
}

func specOf(w httpapi.SourceWish) (library.SourceSpec, error) {
	s := library.SourceSpec{
		Mapping: w.Mapping, Items: w.Items, Closes: w.Closes, When: w.When, Map: w.Map, Auth: w.Auth, Style: w.Style, Username: w.Username,
		Delivery: w.Delivery, Key: w.Key, PerSecond: w.PerSecond, Body: w.Body, Disabled: w.Disabled,
	}
	if w.Window == "" {
		return s, nil
	}
	var err error
	if s.Window, err = document.ParseDuration(w.Window); err != nil {
		return s, fault.New(fault.InvalidInput, "the window of deduplication is a duration, like 24h").WithCode("bad_request").
			WithPlaces(fault.Place{At: "/dedup/window", Message: "is a duration, like 24h"})
	}
	return s, nil
}

// DeleteSource ends its intake.
func (d doors) DeleteSource(ctx context.Context, by control.Actor, name string, seen int64) error {
	return d.a.lib.DeleteSource(ctx, by.Actor, name, seen)
}

// TrySource shows what a mapping makes of a payload: that of the source named, or
// the one given.
func (d doors) TrySource(_ context.Context, w httpapi.SourceWish, payload string) (httpapi.Trial, error) {
	out := httpapi.Trial{Alerts: []httpapi.Tried{}}
	spec, err := specOf(w)
	if err != nil {
		return out, err
	}
	if w.Name != "" {
		s, ok := d.a.lib.SourceNamed(w.Name)
		if !ok {
			return out, fault.New(fault.NotFound, "no such source")
		}
		spec = s.Spec
	}
	found, err := d.a.lib.Try(spec, []byte(payload))
	if err != nil {
		return out, err
	}
	for i, n := range found {
		if i == mostTried {
			break
		}
		out.Alerts = append(out.Alerts, httpapi.Tried{Alert: n.Alert, Closes: n.Closes, Ignore: n.Ignore, Unread: append([]string{}, n.Unread...)})
	}
	return out, nil
}

// mostTried bounds how many alerts of a trial are shown.
const mostTried = 20
