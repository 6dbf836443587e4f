package httpcall

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/tocsin-soar/tocsin/server/ident"
)

const (
	maxReply = 16 << 20  // decoded bytes of a reply's body
	maxNodes = 1_000_000 // values in a reply's JSON: each takes memory beyond its bytes
	chunk    = 64 << 10
)

var (
	errEncoding = errors.New("the reply is in an encoding that cannot be read")
	errNodes    = fmt.Errorf("the body holds more than %d values", maxNodes)
)

// read takes the whole body, decoded and bounded, and closes it. What is larger
// is cut: the rest is never read.
func read(res *http.Response) (body []byte, large bool, err error) {
	defer func() { _ = res.Body.Close() }()
	var from io.Reader = res.Body
	switch enc := strings.ToLower(strings.TrimSpace(res.Header.Get("Content-Encoding"))); enc {
	case "", "identity":
	case "gzip", "x-gzip":
		if res.ContentLength == 0 || res.StatusCode == http.StatusNoContent {
			break
		}
		z, err := gzip.NewReader(res.Body)
		if errors.Is(err, io.EOF) {
			return nil, false, nil // an empty body whose header promised gzip
		}
		if errors.Is(err, gzip.ErrHeader) {
			return nil, false, errEncoding
		}
		if err != nil {
			return nil, false, fmt.Errorf("unpack the reply: %w", err)
		}
		from = z
	default:
		return nil, false, errEncoding
	}
	first := chunk
	if n := res.ContentLength; n >= 0 && n < chunk {
		first = int(n) + 1 // and a byte to see the end in
	}
	body, large, err = bounded(from, first, maxReply)
	if _, corrupt := errors.AsType[flate.CorruptInputError](err); corrupt || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) {
		err = errEncoding
	}
	return body, large, err
}

// bounded reads at most limit bytes, in pieces, of which the first may be small: no
// buffer is ever larger than what came and a piece.
func bounded(from io.Reader, first, limit int) (body []byte, large bool, err error) {
	var pieces [][]byte
	total := 0
	for size := first; ; size = chunk {
		piece := make([]byte, size)
		n := 0
		for n < size && err == nil {
			var m int
			m, err = from.Read(piece[n:])
			n += m
		}
		if total += n; total > limit {
			return nil, true, nil
		}
		if n > 0 {
			pieces = append(pieces, piece[:n])
		}
		switch {
		case errors.Is(err, io.EOF):
			return join(pieces), false, nil
		case err != nil:
			return nil, false, fmt.Errorf("read the reply: %w", err)
		}
	}
}

func join(pieces [][]byte) []byte {
	if len(pieces) == 1 {
		return pieces[0]
	}
	return bytes.Join(pieces, nil)
}

// parse gives the body as a value: its content type decides how it is read, the
// body never does. An empty one is nil.
func parse(header http.Header, body []byte) (any, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil //nolint:nilnil // no body is a value of its own
	}
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err == nil && (kind == "application/json" || kind == "text/json" || strings.HasSuffix(kind, "+json")) {
		if crowded(body) {
			return nil, errNodes
		}
		v, err := ident.Decode(body)
		if err != nil {
			return nil, fmt.Errorf("read the body: %w", err)
		}
		return v, nil
	}
	return plain(body, strings.ToLower(params["charset"])), nil
}

// plain gives a text in UTF-8. What is no text comes with its odd bytes replaced:
// that a binary reply cannot be shown does not undo what it answers.
func plain(body []byte, charset string) string {
	if utf8.Valid(body) {
		return string(body)
	}
	if charset == "iso-8859-1" || charset == "latin1" || charset == "us-ascii" {
		runes := make([]rune, len(body))
		for i, c := range body {
			runes[i] = rune(c)
		}
		return string(runes)
	}
	return strings.ToValidUTF8(string(body), "\ufffd")
}

// crowded says whether JSON text holds more values than are taken. It counts what
// separates values, outside of texts.
func crowded(body []byte) bool {
	n, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == '[' || c == '{' || c == ':'):
			n++
		}
	}
	return n > maxNodes
}

// headerFacts gives a reply's header for expressions and outputs: names in lower
// case, several values joined. Cookies are credentials and stay out.
func headerFacts(h http.Header) map[string]any {
	out := make(map[string]any, len(h))
	for name, vs := range h {
		switch low := strings.ToLower(name); low {
		case "set-cookie", "set-cookie2", "authorization", "www-authenticate", "authentication-info", "proxy-authenticate":
		default:
			out[low] = strings.ToValidUTF8(strings.Join(vs, ", "), "\ufffd")
		}
	}
	return out
}
