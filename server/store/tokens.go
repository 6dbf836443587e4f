package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

func tokenOf(r tokenRow) (account.Token, error) {
	k := account.Token{
		ID: r.ID, Name: r.Name, Owner: r.Owner, CreatedAt: micro(r.CreatedAt), ExpiresAt: microOf(r.ExpiresAt),
		RevokedAt: microOf(r.RevokedAt), LastUsed: microOf(r.LastUsed), Hash: hexOf(r.Hash),
	}
	return k, readJSON(r.Scopes, &k.Scopes)
}

// AddToken stores a token, unless its owner changed meanwhile.
func (s *Store) AddToken(ctx context.Context, k account.Token, version int64, a []audit.Draft) error {
	hash, err := hashOf(k.Hash, noToken())
	if err != nil {
		return err
	}
	scopes, err := json.Marshal(orEmpty(k.Scopes))
	if err != nil {
		return fmt.Errorf("encode scopes: %w", err)
	}
	return s.commit(ctx, func(t *tx) error {
		if _, err := t.unchanged(k.Owner, version); err != nil {
			return err
		}
		err := t.exec(`INSERT INTO token (id, name, owner, scopes, created_at, expires_at, revoked_at, last_used, hash) VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, ?)`,
			k.ID, k.Name, k.Owner, string(scopes), k.CreatedAt, k.ExpiresAt, hash)
		if err != nil {
			return fmt.Errorf("write a token: %w", err)
		}
		return t.link(a...)
	})
}

// Token finds by hash, with its owner as they are now; fault NotFound.
func (s *Store) Token(ctx context.Context, hash string) (account.Token, account.User, error) {
	key, err := hashOf(hash, noToken())
	if err != nil {
		return account.Token{}, account.User{}, err
	}
	rows, err := gorm.G[tokenRow](s.read).Where(clause.Eq{Column: clause.Column{Name: "hash"}, Value: key}).Limit(1).Find(ctx)
	if err != nil {
		return account.Token{}, account.User{}, reading(ctx, err)
	}
	if len(rows) == 0 {
		return account.Token{}, account.User{}, noToken()
	}
	k, err := tokenOf(rows[0])
	if err != nil {
		return k, account.User{}, err
	}
	u, err := s.User(ctx, k.Owner)
	k.OwnerName = u.Name
	return k, u, err
}

// ListTokens gives the tokens of an owner, of all for "", newest first; sort
// word: created_at.
func (s *Store) ListTokens(ctx context.Context, owner string, p lookup.Page) (lookup.List[account.Token], error) {
	return page(ctx, s.read, listing[tokenRow, account.Token]{
		sorts:  map[string]string{"created_at": "created_at"},
		first:  "-created_at",
		unique: "id",
		read:   "id, name, owner, scopes, created_at, expires_at, revoked_at, last_used, hash",
		value: func(r tokenRow, column string) any {
			if column == "created_at" {
				return r.CreatedAt
			}
			return r.ID
		},
		noun: func(ctx context.Context, r tokenRow) (account.Token, error) {
			k, err := tokenOf(r)
			if err != nil {
				return k, err
			}
			u, err := s.User(ctx, k.Owner)
			k.OwnerName = u.Name
			return k, err
		},
	}, p, where[tokenRow](owner == "", "owner = ?", owner))
}

// ChangeToken revokes a token; fault NotFound.
func (s *Store) ChangeToken(ctx context.Context, id string, change func(k account.Token) (account.Token, []audit.Draft, error)) (account.Token, error) {
	var out account.Token
	err := s.commit(ctx, func(t *tx) error {
		var k account.Token
		found, err := t.one(`SELECT t.id, t.name, t.owner, t.scopes, t.created_at, t.expires_at, t.revoked_at, t.last_used, t.hash, u.name
			FROM token t JOIN user u ON u.id = t.owner WHERE t.id = ?`, func(r row) (err error) {
			k, err = tokenOf(tokenRow{r.text(0), r.text(1), r.text(2), r.text(3), r.int(4), r.number(5), r.number(6), r.number(7), r.blob(8)})
			k.OwnerName = r.text(9)
			return err
		}, id)
		if err != nil {
			return fmt.Errorf("read a token: %w", err)
		}
		if !found {
			return noToken()
		}
		next, drafts, err := change(k)
		if err != nil {
			return err
		}
		out = next
		if err := t.exec(`UPDATE token SET revoked_at = ? WHERE id = ?`, next.RevokedAt, id); err != nil {
			return fmt.Errorf("revoke a token: %w", err)
		}
		if err := t.changed("user", k.Owner, 0); err != nil {
			return err
		}
		return t.link(drafts...)
	})
	return out, err
}

// TouchToken moves LastUsed forward.
func (s *Store) TouchToken(ctx context.Context, id string, at time.Time) error {
	return s.commit(ctx, func(t *tx) error {
		if err := t.exec(`UPDATE token SET last_used = ?1 WHERE id = ?2 AND (last_used IS NULL OR last_used < ?1)`, at, id); err != nil {
			return fmt.Errorf("touch a token: %w", err)
		}
		return nil
	})
}
