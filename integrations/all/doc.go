// Package all links the native integrations.
package all

//go:generate go run ./gen
