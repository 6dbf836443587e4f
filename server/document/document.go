// Package document reads a YAML file strictly: every mistake with its place.
package document
