package store

import (
	"context"
	"crypto/ed25519"
	"errors"
	"iter"

	"github.com/tocsin-soar/tocsin/server/audit"
)

// AuditRows gives the audit log from its first entry, as it was at one moment.
func (s *Store) AuditRows(ctx context.Context) iter.Seq2[audit.Row, error] {
	return func(yield func(audit.Row, error) bool) {
		enough := errors.New("enough")
		err := s.each(ctx, `SELECT seq, entry, leaf, chain FROM audit ORDER BY seq`, nil, func(scan func(...any) error) error {
			var r audit.Row
			var leaf, chain []byte
			if err := scan(&r.Seq, &r.Entry, &leaf, &chain); err != nil {
				return err
			}
			r.Leaf, _ = audit.HashOf(leaf)
			r.Chain, _ = audit.HashOf(chain)
			if !yield(r, nil) {
				return enough
			}
			return nil
		})
		if err != nil && !errors.Is(err, enough) {
			yield(audit.Row{}, err)
		}
	}
}

// VerifyAudit checks the whole audit log against a public key, nil for the one
// that the log itself names, and against every checkpoint that is kept.
func (s *Store) VerifyAudit(ctx context.Context, key ed25519.PublicKey) (audit.Report, error) {
	checks, err := s.Checkpoints(ctx, 0)
	if err != nil {
		return audit.Report{}, err
	}
	return audit.Verify(s.AuditRows(ctx), key, checks)
}

// LogAudit appends entries that describe no change of data (account.Log).
func (s *Store) LogAudit(ctx context.Context, drafts []audit.Draft) error {
	return s.commit(ctx, func(t *tx) error { return t.link(drafts...) })
}
