package redact_test

import (
	"os"
	"strconv"
)

func seed() uint64 { n, _ := strconv.ParseUint(os.Getenv("SEED"), 10, 64); return n }
