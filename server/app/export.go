package app

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// exportPath is where the socket gives the audit log.
const exportPath = "/audit"

// ExportAudit writes the audit log as JSON Lines, with its checkpoints. That it was
// exported stands in the log itself.
func (o *Operator) ExportAudit(ctx context.Context, w io.Writer) error {
	if o.far == nil {
		return o.export(ctx, w)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://operator"+exportPath, http.NoBody)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "address the server")
	}
	res, err := o.far.Do(req)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "the server does not answer on its socket")
	}
	defer func() { _ = res.Body.Close() }() // nothing depends on it
	if res.StatusCode != http.StatusOK {
		return refusal(res.Body)
	}
	if _, err := io.Copy(w, res.Body); err != nil {
		return fault.Wrap(err, fault.Unavailable, "the audit log did not come through whole")
	}
	return nil
}

func (o *Operator) export(ctx context.Context, w io.Writer) error {
	err := o.a.store.LogAudit(ctx, []audit.Draft{{
		At: o.a.clock(), Actor: operator, Verb: account.AuditExport, Object: audit.Object{Kind: "audit", ID: ""}, Outcome: audit.Done,
	}})
	if err != nil {
		return err
	}
	checks, err := o.a.store.Checkpoints(ctx, 0)
	if err != nil {
		return err
	}
	return audit.Export(w, o.a.store.AuditRows(ctx), checks)
}

// serveExport streams the log. Once its first bytes are out an error can only cut
// the answer, which the reader notices.
func (o *Operator) serveExport(w http.ResponseWriter, r *http.Request) {
	c := &counted{w: w}
	err := o.export(r.Context(), c)
	switch {
	case err == nil:
	case c.n == 0:
		refuse(w, err)
	default:
		panic(http.ErrAbortHandler)
	}
}

// counted knows whether anything was written.
type counted struct {
	w io.Writer
	n int64
}

// Write writes on.
func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err //nolint:wrapcheck // the writer's own, handed on
}

// refuse answers an order with what went wrong.
func refuse(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnprocessableEntity)
	_ = json.NewEncoder(w).Encode(map[string]any{ // whoever asked is gone, or not
		"kind": fault.KindOf(err), "code": fault.CodeOf(err), "message": err.Error(),
	})
}

// refusal reads what refuse wrote.
func refusal(body io.Reader) error {
	var p struct{ Kind, Code, Message string }
	if err := json.NewDecoder(io.LimitReader(body, 1<<20)).Decode(&p); err != nil {
		return fault.Wrap(err, fault.Internal, "the server's answer cannot be read")
	}
	return fault.New(fault.Kind(p.Kind), "%s", p.Message).WithCode(p.Code)
}
