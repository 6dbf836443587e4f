package demo

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

func TestAStateOfAnotherProgramIsRefused(t *testing.T) {
	for name, text := range map[string]string{"no JSON": "{", "a newer version": `{"version":99}`} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "range.json"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Start(t.Context(), Options{Dir: dir, Clock: newClock().now, Log: slog.New(slog.DiscardHandler)}); err == nil {
				t.Error("the range started on it")
			}
		})
	}
}
