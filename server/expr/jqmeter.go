package expr

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/itchyny/gojq"
)

// meter counts the work of one run. The library asks whether it is done before each
// instruction: that is one unit. It has the methods of a context, and no clock.
type meter struct {
	left int
	over chan struct{} // closed
}

// Deadline says that there is none.
func (*meter) Deadline() (at time.Time, ok bool) { return at, false }

// Done counts an instruction.
func (m *meter) Done() <-chan struct{} {
	if m.left--; m.left < 0 {
		return m.over
	}
	return nil
}

// Err says why the run is over.
func (m *meter) Err() error {
	if m.left < 0 {
		return errJQWork
	}
	return nil
}

// Value says that nothing is carried along.
func (*meter) Value(any) any { return nil }

// charge counts work that one instruction does beyond itself.
func (m *meter) charge(n int) error {
	m.left -= n
	return m.Err()
}

// The guards, by the names under which programs call them. No program can name them:
// names that begin with _ are refused.
const (
	guardAny   = "_any"   // . is not too large; its size is charged
	guardIter  = "_iter"  // going through . is charged
	guardTouch = "_touch" // a text is charged
	guardAt    = "_at"    // . may be an index
	guardWay   = "_way"   // . may be a path
	guardDigit = "_digit" // . is no number of endless digits
	guardTimes = "_times" // . may be a count
	guardGrid  = "_grid"  // . may be transposed
	guardRegex = "_regex" // [text, pattern]: gives the pattern
	guardSub   = "_sub"   // the same, for replacing
	guardPair  = "_pair"  // (l; r): [l, r], whose sizes are charged
	guardMul   = "_mul"   // the same, for *
	guardEach  = "_each"  // the same, where every item meets every other one
)

func (m *meter) guards() []gojq.CompilerOption {
	one := func(name string, check func(v any) error) gojq.CompilerOption {
		return gojq.WithFunction(name, 0, 0, func(v any, _ []any) any {
			if err := check(v); err != nil {
				return err
			}
			return v
		})
	}
	two := func(name string, check func(l, r any) error) gojq.CompilerOption {
		return gojq.WithFunction(name, 2, 2, func(_ any, args []any) any {
			if err := check(args[0], args[1]); err != nil {
				return err
			}
			return []any{args[0], args[1]}
		})
	}
	pattern := func(name string, square bool) gojq.CompilerOption {
		return gojq.WithFunction(name, 0, 0, func(v any, _ []any) any {
			pair, _ := v.([]any)
			if err := m.regex(pair[0], pair[1], square); err != nil {
				return err
			}
			return pair[1]
		})
	}
	return []gojq.CompilerOption{
		one(guardAny, m.fits), one(guardIter, m.iterates), one(guardTouch, m.touches), one(guardAt, goodIndex),
		one(guardWay, goodWay), one(guardDigit, goodDigits), one(guardTimes, goodCount), one(guardGrid, m.grid),
		pattern(guardRegex, false), pattern(guardSub, true),
		two(guardPair, m.pair), two(guardMul, m.multiplies), two(guardEach, m.each),
	}
}

func jqTooLarge() error { return fmt.Errorf("a value would be larger than %d bytes", maxValue) }

func (m *meter) fits(v any) error {
	switch v.(type) {
	case nil, bool, int, float64:
		return nil
	}
	size, fits := sizeOfPlain(v)
	if err := m.charge(size / 8); err != nil {
		return err
	}
	if !fits {
		return jqTooLarge()
	}
	return goodNumber(v)
}

func (m *meter) iterates(v any) error {
	switch v := v.(type) {
	case []any:
		return m.charge(len(v))
	case map[string]any:
		return m.charge(4 * len(v)) // they are sorted
	}
	return nil
}

func (m *meter) touches(v any) error {
	if s, ok := v.(string); ok {
		return m.charge(len(s) / 16)
	}
	return nil
}

// goodNumber refuses numbers with which computing takes long.
func goodNumber(v any) error {
	const bits = 1024
	switch v := v.(type) {
	case large:
		if v.BitLen() > bits {
			return fmt.Errorf("a number has more than %d bits", bits)
		}
	case json.Number:
		if len(v) > jqDigits {
			return fmt.Errorf("a number has more than %d digits", jqDigits)
		}
	}
	return nil
}

func goodDigits(v any) error {
	if s, ok := v.(string); ok && len(s) > jqDigits {
		return fmt.Errorf("a number has more than %d digits", jqDigits)
	}
	return nil
}

func goodIndex(v any) error {
	n, number := float64(0), true
	switch v := v.(type) {
	case nil, string:
		return nil
	case int:
		n = float64(v)
	case float64:
		n = v
	default:
		number = false
	}
	if !number || math.Abs(n) > jqIndex {
		return fmt.Errorf("an index must be text, or a number up to %d", jqIndex)
	}
	return nil
}

func goodWay(v any) error {
	list, ok := v.([]any)
	if !ok {
		return nil // the library says so
	}
	if len(list) > maxNesting {
		return fmt.Errorf("a path may have at most %d parts", maxNesting)
	}
	for _, part := range list {
		if ends, slice := part.(map[string]any); slice && len(ends) <= 2 {
			continue // of a slice: it never makes an array longer
		}
		if err := goodIndex(part); err != nil {
			return err
		}
	}
	return nil
}

func goodCount(v any) error {
	if err := goodIndex(v); err != nil {
		return fmt.Errorf("a count must be a number up to %d", jqIndex)
	}
	return nil
}

func (m *meter) grid(v any) error {
	rows, _ := v.([]any)
	longest := 0
	for _, r := range rows {
		if row, ok := r.([]any); ok {
			longest = max(longest, len(row))
		}
	}
	if cells := len(rows) * longest; cells > maxValue/8 {
		return jqTooLarge()
	}
	return m.charge(len(rows) * (1 + longest))
}

// regex bounds a search. It may find something at every place, with every group.
func (m *meter) regex(text, pattern any, square bool) error {
	s, _ := text.(string)
	if list, ok := pattern.([]any); ok && len(list) > 0 {
		pattern = list[0]
	}
	p, _ := pattern.(string)
	most := maxText
	if square { // each place found makes the text anew
		most /= 4
	}
	if len(s) > most {
		return fmt.Errorf("a text to search may not exceed %d bytes", most)
	}
	if len(p) > maxPattern {
		return fmt.Errorf("a pattern may not exceed %d bytes", maxPattern)
	}
	size, groups := patternSize(p), 1
	for i := range len(p) {
		if p[i] == '(' {
			groups++
		}
	}
	if (len(s)+1)*groups > 4*maxText || len(s)*size > maxRegex {
		return fmt.Errorf("the pattern is too large for a text of %d bytes", len(s))
	}
	work := len(s)*(1+size/32)/4 + len(s)*groups/4 + 8*size
	if square {
		work += len(s) / 16 * len(s) / 16
	}
	return m.charge(work)
}

func (m *meter) pair(l, r any) error {
	a, fits := sizeOfPlain(l)
	b, also := sizeOfPlain(r)
	if err := m.charge((a + b) / 32); err != nil {
		return err
	}
	if !fits || !also || a+b > maxValue {
		return jqTooLarge()
	}
	if err := goodNumber(l); err != nil {
		return err
	}
	return goodNumber(r)
}

func (m *meter) multiplies(l, r any) error {
	if err := m.pair(l, r); err != nil {
		return err
	}
	s, text := l.(string)
	n := r
	if !text {
		if s, text = r.(string); !text {
			return nil
		}
		n = l
	}
	times := float64(0)
	switch n := n.(type) {
	case int:
		times = float64(n)
	case float64:
		times = n
	case large, json.Number:
		return jqTooLarge()
	}
	if math.Ceil(times)*float64(len(s)) > maxValue {
		return jqTooLarge()
	}
	return nil
}

func (m *meter) each(l, r any) error {
	if err := m.pair(l, r); err != nil {
		return err
	}
	a, _ := sizeOfPlain(l)
	b, _ := sizeOfPlain(r)
	_, texts := l.(string)
	if texts { // a search in a text
		return m.charge((a + b) / 8)
	}
	return m.charge(a / 8 * (b / 8) / 4)
}
