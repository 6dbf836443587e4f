// Package account knows who is asking: people, roles, tokens, sessions.
package account
