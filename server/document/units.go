package document

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes, written 512, 64KiB, 1MiB or 2GiB.
type Size int64

var errDuration = errors.New("a duration is a number with a unit: 30s, 10m, 4h, 7d, or several of them: 1h30m")

// ParseDuration reads durations as people write them: 500ms, 30s, 10m, 4h, 7d,
// 1h30m. A unit is always needed, except for 0; negative ones are refused.
func ParseDuration(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	if text == "" || len(text) > 32 {
		return 0, errDuration
	}
	total, rest := 0.0, text
	for rest != "" {
		digits := 0
		for digits < len(rest) && (rest[digits] >= '0' && rest[digits] <= '9' || rest[digits] == '.') {
			digits++
		}
		unit := digits
		for unit < len(rest) && rest[unit] >= 'a' && rest[unit] <= 'z' {
			unit++
		}
		count, err := strconv.ParseFloat(rest[:digits], 64)
		each := unitOf(rest[digits:unit])
		if err != nil || each == 0 {
			return 0, errDuration
		}
		total += count * float64(each)
		rest = rest[unit:]
	}
	if total > math.MaxInt64/2 {
		return 0, errDuration
	}
	return time.Duration(total), nil
}

func unitOf(word string) time.Duration {
	switch word {
	case "ms":
		return time.Millisecond
	case "s":
		return time.Second
	case "m":
		return time.Minute
	case "h":
		return time.Hour
	case "d":
		return 24 * time.Hour
	}
	return 0
}

// FormatDuration writes a duration as ParseDuration reads it: 4h, 1h30m, 7d.
func FormatDuration(d time.Duration) string {
	if d <= 0 {
		return "0s"
	}
	var out strings.Builder
	for _, u := range []struct {
		word string
		each time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if n := int64(d / u.each); n > 0 {
			out.WriteString(strconv.FormatInt(n, 10) + u.word)
			d %= u.each
		}
	}
	if out.Len() == 0 {
		return "0s"
	}
	return out.String()
}

var errSize = errors.New("a size is a number of bytes: 512, 64KiB, 1MiB")

// ParseSize reads 512, 64KiB, 1MiB, 2GiB.
func ParseSize(text string) (Size, error) {
	digits := 0
	for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
		digits++
	}
	n, err := strconv.ParseInt(text[:digits], 10, 64)
	if err != nil {
		return 0, errSize
	}
	shift := 0
	switch text[digits:] {
	case "", "B":
	case "KiB":
		shift = 10
	case "MiB":
		shift = 20
	case "GiB":
		shift = 30
	default:
		return 0, errSize
	}
	if n > math.MaxInt64>>(shift+1) {
		return 0, errSize
	}
	return Size(n << shift), nil
}
