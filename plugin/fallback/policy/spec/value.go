package spec

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
)

// Share is a part of a whole, from 0 to 1. In a file: 80% or 0.8.
type Share float64

// String returns s as in a file, such as 80%.
func (s Share) String() string {
	return strictyaml.FormatFloat(math.Round(float64(s)*1e8)/1e6) + "%"
}

// USD is an amount of US dollars. In a file: 0.05 or $0.05.
type USD float64

// String returns u as in a file, such as $0.05.
func (u USD) String() string { return "$" + strictyaml.FormatFloat(float64(u)) }

// Bytes is a size. In a file: 64MiB, 500kB or a number of bytes.
type Bytes int64

// byteUnits are the units of sizes, the largest first.
var byteUnits = []struct {
	name string
	size int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
}

// String returns b as in a file, in the largest unit that needs no fraction.
func (b Bytes) String() string {
	for _, unit := range byteUnits {
		if b != 0 && int64(b)%unit.size == 0 {
			return strconv.FormatInt(int64(b)/unit.size, 10) + unit.name
		}
	}
	return "0B"
}

// Code selects failures: by HTTP status such as 429, a provider's code such as
// RESOURCE_EXHAUSTED (see failure.Verdict.Matches), a kind of package failure such as
// network, or [AnyFailure].
type Code string

// AnyFailure selects every failure that another model might not share.
const AnyFailure = "any"

func parseShare(text string) (Share, error) {
	value, err := strictyaml.ParseShare(text)
	return Share(value), err
}

func parseUSD(text string) (USD, error) {
	value, err := strictyaml.ParseFloat(strings.TrimPrefix(text, "$"))
	return USD(value), err
}

func parseBytes(text string) (Bytes, error) {
	digits, size := text, int64(1)
	for _, unit := range byteUnits {
		if before, found := strings.CutSuffix(text, unit.name); found {
			digits, size = before, unit.size
			break
		}
	}
	value, err := strictyaml.ParseFloat(digits)
	if err != nil {
		return 0, err
	}
	value *= float64(size)
	if value > 1<<53 || value != math.Trunc(value) {
		return 0, fmt.Errorf("policy: %q is not a whole number of bytes", text)
	}
	return Bytes(value), nil
}
