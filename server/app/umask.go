package app

import "syscall"

// umask sets the mask for files that are made now, so that the socket is nobody
// else's from its first moment.
func umask(mask int) int { return syscall.Umask(mask) }
