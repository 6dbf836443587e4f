package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/app"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/httpapi"
)

func aboutCommands() []command {
	return []command{
		{name: "schema", args: "NAME", short: "Print the JSON Schema of a file or a shape", example: "tocsin schema playbook > playbook.schema.json", run: schema},
		{name: "openapi", short: "Print the API as OpenAPI 3.1", example: "tocsin openapi > openapi.json", run: openapi},
		{name: "version", short: "Print the version", example: "tocsin version --json", run: version},
	}
}

// errorsName is the schema of refusals, which belongs to the API.
const errorsName = "errors"

func schema(_ context.Context, sh *shell, fs *flag.FlagSet, args []string) error {
	rest, err := parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	name := strings.TrimSuffix(rest[0], ".json")
	raw, ok := app.Schema(name)
	if name == errorsName {
		ok = true
		if raw, err = httpapi.ErrorsSchema(); err != nil {
			return err
		}
	}
	if !ok {
		names := append(app.Schemas(), errorsName)
		slices.Sort(names)
		text := fmt.Sprintf("there is no schema %q; there are %s", name, strings.Join(names, ", "))
		if near := fault.Suggest(name, names); near != "" {
			text = fmt.Sprintf("there is no schema %q; did you mean %q?", name, near)
		}
		return misuse{text}
	}
	sh.printRaw(raw)
	return nil
}

func openapi(_ context.Context, sh *shell, fs *flag.FlagSet, args []string) error {
	if _, err := parse(fs, args, 0, 0); err != nil {
		return err
	}
	put(sh.out, "%s\n", httpapi.OpenAPI())
	return nil
}

func version(_ context.Context, sh *shell, fs *flag.FlagSet, args []string) error {
	if _, err := parse(fs, args, 0, 0); err != nil {
		return err
	}
	v := struct {
		Version  string `json:"version"`
		Revision string `json:"revision"` // of the source, "" where the build does not know it
		Go       string `json:"go"`
		Platform string `json:"platform"`
	}{Version: app.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Revision = s.Value
			}
		}
	}
	if sh.json {
		sh.print(v)
		return nil
	}
	sh.say("tocsin %s (%s, %s)", v.Version, v.Go, v.Platform)
	return nil
}

// object reads a JSON object that was typed, or the file behind an @.
func object(flagName, text string) (map[string]any, error) {
	v, err := value(flagName, text)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, misuse{"--" + flagName + " is a JSON object, or @FILE with one"}
	}
	return m, nil
}

// value reads JSON that was typed, or the file behind an @.
func value(flagName, text string) (any, error) {
	raw := []byte(text)
	if name, ok := strings.CutPrefix(text, "@"); ok {
		var err error
		if raw, err = readFile(name); err != nil {
			return nil, err
		}
	}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil || d.More() {
		return nil, misuse{"--" + flagName + " is JSON, or @FILE with it"}
	}
	return v, nil
}
