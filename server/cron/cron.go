// Package cron is robfig/cron: the heartbeat over stored due times.
package cron

import (
	"log/slog"
	"time"

	"github.com/robfig/cron/v3"
)

// Heart beats. What is due stands in the database; a beat only says "look".
type Heart struct{ c *cron.Cron }

// New makes a heart that does not beat yet.
func New(log *slog.Logger) *Heart {
	l := logger{log}
	// Recover stands inside: a panic that passes SkipIfStillRunning stops its job for
	// good (v3.0.1 does not give its token back).
	return &Heart{cron.New(cron.WithLogger(l), cron.WithChain(cron.SkipIfStillRunning(l), cron.Recover(l)))}
}

// Every calls do at this pace, whole seconds, never twice at once; a panic in it is
// logged and costs that beat.
func (h *Heart) Every(d time.Duration, do func()) {
	h.c.Schedule(cron.Every(d), cron.FuncJob(do))
}

// Start lets it beat.
func (h *Heart) Start() { h.c.Start() }

// Stop ends it after the beats under way.
func (h *Heart) Stop() { <-h.c.Stop().Done() }

type logger struct{ log *slog.Logger }

// Info is the library's chatter; nobody needs it.
func (logger) Info(string, ...any) {}

// Error is a beat that failed.
func (l logger) Error(err error, msg string, _ ...any) {
	l.log.Error("a heartbeat failed", slog.String("what", msg), slog.Any("error", err))
}
