package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

// The bounds of a page.
const (
	defaultPage = 50
	maxPage     = 200
	maxCursor   = 512
)

// listing says how a kind of rows is listed: by which of its own words it may be
// sorted (word → column), the columns that are read, the name of the column that
// makes a place unique, what a row's place is and what noun it becomes. No text
// of a caller ever becomes part of a statement.
type listing[R, T any] struct {
	sorts  map[string]string
	first  string // the sort when none is asked for
	unique string
	read   string
	value  func(r R, column string) any // int64 or string
	noun   func(ctx context.Context, r R) (T, error)
}

// cursor is the place of the last row of a page.
type cursor struct {
	Sort   string `json:"s"`
	Number *int64 `json:"n,omitempty"`
	Text   string `json:"t,omitempty"`
	Unique any    `json:"u"`
}

// filter narrows a query; every text in it is a parameter.
type filter[R any] func(q gorm.ChainInterface[R]) gorm.ChainInterface[R]

// page reads one page of a list.
func page[R, T any](ctx context.Context, db *gorm.DB, l listing[R, T], p lookup.Page, filters ...filter[R]) (lookup.List[T], error) {
	out := lookup.List[T]{Items: []T{}}
	if p.Limit == 0 {
		p.Limit = defaultPage
	}
	if p.Limit < 1 || p.Limit > maxPage {
		return out, fault.New(fault.InvalidInput, "limit is 1 to %d", maxPage).WithCode("bad_limit")
	}
	sort := p.Sort
	if sort == "" {
		sort = l.first
	}
	column, down := strings.CutPrefix(sort, "-")
	column, known := l.sorts[column]
	if !known {
		return out, fault.New(fault.InvalidInput, "sort is one of %s, with - before it for the other way round",
			strings.Join(slices.Sorted(maps.Keys(l.sorts)), ", ")).WithCode("bad_sort")
	}
	q := gorm.G[R](db).Limit(p.Limit + 1).Select(l.read)
	for _, f := range filters {
		q = f(q)
	}
	if p.Cursor != "" {
		c, err := readCursor(p.Cursor, sort)
		if err != nil {
			return out, err
		}
		q = q.Where(after(column, l.unique, down, c))
	}
	q = q.Order(clause.OrderByColumn{Column: clause.Column{Name: column}, Desc: down})
	if column != l.unique {
		q = q.Order(clause.OrderByColumn{Column: clause.Column{Name: l.unique}, Desc: down})
	}
	rows, err := q.Find(ctx)
	if err != nil {
		return out, reading(ctx, err)
	}
	if len(rows) > p.Limit {
		rows = rows[:p.Limit]
		last := rows[p.Limit-1]
		next, err := writeCursor(sort, l.value(last, column), l.value(last, l.unique))
		if err != nil {
			return out, err
		}
		out.Next = &next
	}
	for _, r := range rows {
		item, err := l.noun(ctx, r)
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

// after is the condition that a row comes behind a cursor.
func after(column, unique string, down bool, c cursor) clause.Expression {
	var at any = c.Text
	if c.Number != nil {
		at = *c.Number
	}
	beyond := func(name string, v any) clause.Expression {
		col := clause.Column{Name: name}
		if down {
			return clause.Lt{Column: col, Value: v}
		}
		return clause.Gt{Column: col, Value: v}
	}
	if column == unique {
		return beyond(unique, at)
	}
	return clause.Or(
		beyond(column, at),
		clause.And(clause.Eq{Column: clause.Column{Name: column}, Value: at}, beyond(unique, c.Unique)))
}

func writeCursor(sort string, at, unique any) (string, error) {
	c := cursor{Sort: sort, Unique: unique}
	switch v := at.(type) {
	case int64:
		c.Number = &v
	case string:
		c.Text = v
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "a place in a list cannot be written")
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// readCursor reads what a page before gave; anything else is refused.
func readCursor(text, sort string) (cursor, error) {
	bad := fault.New(fault.InvalidInput, "the cursor is not one that this list gave").WithCode("bad_cursor")
	if len(text) > maxCursor {
		return cursor{}, bad
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return cursor{}, bad
	}
	var c cursor
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil || c.Sort != sort {
		return cursor{}, bad
	}
	switch u := c.Unique.(type) {
	case string:
	case json.Number:
		n, err := u.Int64()
		if err != nil {
			return cursor{}, bad
		}
		c.Unique = n
	default:
		return cursor{}, bad
	}
	return c, nil
}

// is keeps rows whose column has one of the words, given by comma; "" keeps all.
// column is a constant of this package.
func is[R any](column, words string) filter[R] {
	return func(q gorm.ChainInterface[R]) gorm.ChainInterface[R] {
		if words == "" {
			return q
		}
		var values []any
		for w := range strings.SplitSeq(words, ",") {
			values = append(values, w)
		}
		return q.Where(clause.IN{Column: clause.Column{Name: column}, Values: values})
	}
}

// where keeps rows by a condition, unless skip is set.
func where[R any](skip bool, condition string, args ...any) filter[R] {
	return func(q gorm.ChainInterface[R]) gorm.ChainInterface[R] {
		if skip {
			return q
		}
		return q.Where(condition, args...)
	}
}

// contains writes the pattern of a text that may stand anywhere.
func contains(text string) string {
	r := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)
	return "%" + r.Replace(strings.ToLower(text)) + "%"
}

// first reads the one row of an id; none is fault NotFound with the text given.
func first[R any](ctx context.Context, db *gorm.DB, missing, column, id string) (R, error) {
	r, err := gorm.G[R](db).Where(clause.Eq{Column: clause.Column{Name: column}, Value: id}).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return r, fault.New(fault.NotFound, "%s", missing)
	}
	if err != nil {
		return r, reading(ctx, err)
	}
	return r, nil
}
