package config

import (
	"fmt"
	"strings"
)

// Print gives the settings as they came out, one a line, with their origins;
// secrets are masked.
func (c *Config) Print() string {
	var b strings.Builder
	wide := 0
	for _, o := range c.origins {
		wide = max(wide, len(o.Key)+len([]rune(o.Text))+2)
	}
	for _, o := range c.origins {
		line := o.Key + ": " + o.Text
		fmt.Fprintf(&b, "%s%s  # %s\n", line, strings.Repeat(" ", wide-len([]rune(line))), o.From)
	}
	return b.String()
}

// Markdown gives the table of the documentation.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| setting | environment | flag | default | why you would change it |\n|---|---|---|---|---|\n")
	for _, s := range Settings() {
		flag, def := "", ""
		if s.Flag != "" {
			flag = "`--" + s.Flag + "`"
		}
		if s.Default != "" {
			def = "`" + s.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", s.Key, s.Env(), flag, def, strings.ReplaceAll(s.Why, "|", "\\|"))
	}
	return b.String()
}
