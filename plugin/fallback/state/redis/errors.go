package redis

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// hints says what to do about a server's answer, by its code.
var hints = map[string]string{
	"OOM":         "its memory is full; raise maxmemory or set an eviction policy",
	"NOAUTH":      "it needs a password",
	"WRONGPASS":   "user or password is wrong",
	"NOPERM":      "the user lacks permissions; see the package's documentation",
	"DENIED":      "it only takes local connections",
	"READONLY":    "it is a read-only copy",
	"LOADING":     "it is starting",
	"MISCONF":     "it cannot save to its disk",
	"MOVED":       "it is part of a cluster; use New with a cluster client",
	"CLUSTERDOWN": "its cluster is down",
	"ERR":         "it refused a command; it must be Redis 7 or later, with room for more clients",
}

// clean makes an error that says where it is from. A server's text can repeat keys, values
// and the password, so only its code is kept.
func clean(err error) error {
	if err == nil {
		return nil
	}
	var said redis.Error
	if !errors.As(err, &said) {
		return fmt.Errorf("state/redis: %w", err)
	}
	code, _, _ := strings.Cut(said.Error(), " ")
	if hint, known := hints[code]; known {
		return fmt.Errorf("state/redis: the server answered %s: %s", code, hint)
	}
	return errors.New("state/redis: the server answered with an error")
}
