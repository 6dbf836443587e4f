package httpcall_test

import (
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/httpcall"
)

func TestS016AReplyIsCutAtItsBounds(t *testing.T) {
	zeros := make([]byte, 1<<20)
	endless := func(w io.Writer) {
		for {
			if _, err := w.Write(zeros); err != nil {
				return
			}
		}
	}
	for name, tc := range map[string]struct {
		each  func(net.Conn)
		read  fault.Kind
		write connector.Did
	}{
		"ten gigabytes": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 10737418240\n\n")
			endless(c)
		}, fault.TooLarge, connector.DidDone},
		"a chunk that never ends": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nTransfer-Encoding: chunked\n\nffffffffff\n")
			endless(c)
		}, fault.TooLarge, connector.DidDone},
		"a body without end": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\n\n")
			endless(c)
		}, fault.TooLarge, connector.DidDone},
		"a gzip bomb": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Encoding: gzip\nConnection: close\n\n")
			z := gzip.NewWriter(c)
			endless(z)
		}, fault.TooLarge, connector.DidDone},
		"a million headers": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\n")
			for i := range 1_000_000 {
				if _, err := fmt.Fprintf(c, "X-%d: y\r\n", i); err != nil {
					return
				}
			}
		}, fault.Unavailable, connector.DidUnknown},
		"one header without end": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\nX-Long: ")
			endless(c)
		}, fault.Unavailable, connector.DidUnknown},
		"headers without end": {func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"); err != nil {
					return
				}
			}
		}, fault.Unavailable, connector.DidUnknown},
		"two million values": {func(c net.Conn) {
			body := "[" + strings.Repeat("0,", 2_000_000) + "0]"
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: %d\n\n%s", len(body), body)
		}, fault.TooLarge, connector.DidDone},
		"nesting without end": {func(c net.Conn) {
			body := strings.Repeat("[", 500_000)
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: %d\n\n%s", len(body), body)
		}, fault.BadReply, connector.DidDone},
		"a length that promises too much": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 500\n\n{\"name\":\"x\"}")
			_ = c.Close()
		}, fault.Unavailable, connector.DidUnknown},
		"a length that promises too little": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 5\n\n{\"name\":\"x\"}")
		}, fault.BadReply, connector.DidDone},
		"a broken gzip": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Encoding: gzip\nContent-Length: 12\n\n{\"name\":\"x\"}")
		}, fault.BadReply, connector.DidDone},
	} {
		t.Run(name, func(t *testing.T) {
			f := setup(t, raw(t, func(c net.Conn, _ *http.Request) { tc.each(c) }))
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			rep := f.call(t, action(t, "look"), nil)
			runtime.ReadMemStats(&after)
			if fault.KindOf(rep.Err) != tc.read {
				t.Errorf("a read: got %s (%v); want %s", fault.KindOf(rep.Err), rep.Err, tc.read)
			}
			if grown := after.HeapSys - min(before.HeapSys, after.HeapSys); grown > 64<<20 {
				t.Errorf("memory grew by %d MB", grown>>20)
			}
			if rep := f.call(t, action(t, "change"), nil); rep.Did != tc.write {
				t.Errorf("a write: got %s (%v); want %s", rep.Did, rep.Err, tc.write)
			}
		})
	}
}

func TestS016ASlowReplyIsCutAtTheStepsTimeout(t *testing.T) {
	f := setup(t, raw(t, func(c net.Conn, _ *http.Request) {
		answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 1000\n\n")
		for {
			if _, err := c.Write([]byte("x")); err != nil {
				return
			}
			if _, err := c.Read(make([]byte, 1)); err != nil && !errors.Is(err, net.ErrClosed) {
				return
			}
		}
	}))
	call := f.build(action(t, "look"), nil)
	call.Timeout = time.Second
	want(t, f.do(t, call), connector.DidUnknown, fault.Timeout)
}

func TestS017NoTLSWithoutAValidCertificate(t *testing.T) {
	ok := func(w http.ResponseWriter, _ *http.Request) { jsonReply(w, 200, `{"name":"x"}`) }
	good := httptest.NewTLSServer(http.HandlerFunc(ok))
	t.Cleanup(good.Close)
	old := httptest.NewUnstartedServer(http.HandlerFunc(ok))
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11} //nolint:gosec // what must be refused
	old.StartTLS()
	t.Cleanup(old.Close)
	roots := x509.NewCertPool()
	roots.AddCert(good.Certificate())
	roots.AddCert(old.Certificate())
	trusted := func(o *httpcall.Options) { o.Roots = roots }
	wrongName := strings.Replace(good.URL, "127.0.0.1", "localhost", 1)

	want(t, setup(t, good.URL, trusted).call(t, action(t, "look"), nil), connector.DidDone, "")
	for name, f := range map[string]fixture{
		"signed by itself": setup(t, good.URL),
		"TLS 1.1":          setup(t, old.URL, trusted),
		"another name":     setup(t, wrongName, trusted, func(o *httpcall.Options) { o.Resolve = resolver([]string{"127.0.0.1"}) }),
	} {
		t.Run(name, func(t *testing.T) {
			rep := f.call(t, action(t, "change"), nil)
			want(t, rep, connector.DidNothing, fault.Unavailable)
			t.Log(rep.Err)
		})
	}
}
