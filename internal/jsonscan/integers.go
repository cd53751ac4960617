package jsonscan

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Integers returns JSON with its whole numbers written as package json decodes them into Go's integers: 100
// for 100.0 and 1e2. Numbers outside of int64 stay as they are, and so does everything else. It returns data
// itself if nothing changes.
func Integers(data []byte) []byte {
	var out []byte
	kept := 0 // what is before it has been copied to out
	for i := 0; i < len(data); {
		c := data[i]
		if c == '"' {
			if i = skipString(data, i); i < 0 {
				break
			}
			continue
		}
		if c != '-' && (c < '0' || c > '9') {
			i++
			continue
		}
		end := SkipValue(data, i)
		if whole, ok := integer(string(data[i:end])); ok && json.Valid(data[i:end]) {
			out = append(append(out, data[kept:i]...), whole...)
			kept = end
		}
		i = end
	}
	if kept == 0 {
		return data
	}
	return append(out, data[kept:]...)
}

// integer returns a whole number that has a fraction or an exponent as an integer. It returns false for any other.
func integer(number string) (string, bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	before, after, _ := strings.Cut(mantissa, ".")
	shift, err := strconv.Atoi(exponent)
	if len(mantissa) == len(number) {
		if after == "" {
			return "", false // an integer already
		}
		shift, err = 0, nil
	}
	const digits = 19 // of the largest int64
	if err != nil || shift > digits || shift < -digits {
		return "", false
	}
	point := len(before) + shift // in the digits of both parts
	all := before + after
	for len(all) < point {
		all += "0"
	}
	if point < 1 || strings.Trim(all[point:], "0") != "" {
		return "", false
	}
	n, err := strconv.ParseInt(all[:point], 10, 64)
	return strconv.FormatInt(n, 10), err == nil
}
