// Package e2e tests the built binary from outside, over HTTP and its command
// line; it imports nothing of the product.
package e2e
