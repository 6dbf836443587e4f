package httpcall_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/httpcall"
	"github.com/tocsin-soar/tocsin/server/secret"
)

// BenchmarkCall is what a call costs beyond the request itself.
func BenchmarkCall(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { jsonReply(w, 200, `{"name":"x"}`) }))
	b.Cleanup(s.Close)
	m, _ := connector.Parse("manifest.yaml", []byte(manifest))
	for _, id := range []string{"look", "change"} {
		b.Run(id, func(b *testing.B) {
			f := fixture{caller: httpcall.New(httpcall.Options{Clock: testClock})}
			b.Cleanup(f.caller.Close)
			f.conn = connector.Connection{
				Name: "probe", BaseURL: s.URL, EgressAllow: []string{"127.0.0.1"}, AuthType: "bearer",
				Auth: map[string]secret.Value{"token": secret.Of(canary)},
			}
			call := f.build(m.Action(id), map[string]any{"id": "one"})
			digest, err := call.Sent()
			if err != nil {
				b.Fatal(err)
			}
			permit := gate.NewPermit("dec_1", digest) //nolint:forbidigo // a benchmark plays server/perform
			b.ReportAllocs()
			for b.Loop() {
				if rep := f.caller.Call(b.Context(), permit, call); rep.Err != nil {
					b.Fatal(rep.Err)
				}
			}
		})
	}
}
