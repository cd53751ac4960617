package turn

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/kinds"
	"github.com/adk-fallback/adk-fallback/internal/nearest"
	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// anyFailure is the code for every failure whose verdict is to retry or fall back.
const anyFailure = "any"

// code is one entry of Config.ErrorCodes.
type code struct {
	text   string       // a status or a provider's code
	status bool         // text is an HTTP status
	kind   failure.Kind // "" for none
	any    bool
}

// match reports whether a configured code matches a failure, and returns the code for
// metadata: the configured one, or, for a kind or "any", the failure's own.
func match(codes []code, v failure.Verdict) (name string, ok bool) {
	if v.Action == "" {
		return "", false
	}
	for _, c := range codes {
		switch {
		case c.kind == "" && !c.any && v.Matches(c.text):
			return c.text, true
		case c.kind != "" && (c.kind == v.Kind || v.Matches(c.text)), c.any && v.Action != failure.Fail:
			return call.Attempt{Code: v.Code, Kind: string(v.Kind), HTTPStatus: v.HTTPStatus}.ErrorCode(), true
		}
	}
	return "", false
}

// codeName returns a response's code for metadata. The code may be a whole error, which may
// quote a key.
func codeName(code string) string { return redact.Text(code, call.MaxNameBytes) }

// parseCodes parses configured codes: 429 and "429" mean the same. Nil means the
// default, and an empty list none.
func parseCodes(configured []any, p *problems) (codes []code) {
	if configured == nil {
		configured = defaultCodes
	}
	for i, entry := range configured {
		c, problem := parseCode(entry)
		if problem != "" {
			p.report(fmt.Sprintf("ErrorCodes[%d]", i), "%#v %s", entry, problem)
			continue
		}
		codes = append(codes, c)
	}
	return codes
}

const allowedCodes = `use an HTTP status from 400 to 599, a kind such as "timeout", "any", or a provider's code such as "RESOURCE_EXHAUSTED"`

// parseCode returns what is wrong with entry, or "".
func parseCode(entry any) (c code, problem string) {
	v := reflect.ValueOf(entry)
	switch {
	case v.IsValid() && v.CanInt():
		return parseStatus(v.Int())
	case v.IsValid() && v.CanUint() && v.Uint() <= math.MaxInt64:
		return parseStatus(int64(v.Uint()))
	case v.IsValid() && v.CanFloat() && v.Float() == math.Trunc(v.Float()) && math.Abs(v.Float()) <= math.MaxInt32: // a number in JSON
		return parseStatus(int64(v.Float()))
	case v.IsValid() && v.Kind() == reflect.String:
		return parseWord(strings.TrimSpace(v.String()))
	}
	return code{}, "is not an error code; " + allowedCodes
}

// parseStatus parses a number: a status, or a vendor's numeric code.
func parseStatus(number int64) (code, string) {
	text := strconv.FormatInt(number, 10)
	switch {
	case number >= 400 && number <= 599:
		return code{text: text, status: true}, ""
	case failure.IsCode(text):
		return code{text: text}, ""
	}
	return code{}, "is not the HTTP status of an error, so it never matches; " + allowedCodes
}

func parseWord(word string) (code, string) {
	lower := strings.ToLower(word)
	switch status, err := strconv.ParseInt(word, 10, 64); {
	case err == nil:
		return parseStatus(status)
	case !isCode(word):
		return code{}, "cannot be an error code, so it never matches; " + allowedCodes
	case lower == anyFailure:
		return code{any: true}, ""
	case lower == string(failure.KindCanceled):
		return code{}, "never matches: what the caller has given up is not answered; " + allowedCodes
	case lower == "ok", lower == "stop":
		return code{}, "is no error, so it never matches; " + allowedCodes
	case slices.Contains(kinds.All(), lower):
		return code{text: word, kind: failure.Kind(lower)}, ""
	case word == lower && !failure.IsCode(word):
		return code{}, "is neither a kind nor a provider's code that is known; " + suggestion(word)
	}
	return code{text: word}, ""
}

// suggestion returns what to write instead of an unknown lower-case word, which is more
// often a misspelled kind than a provider's code.
func suggestion(word string) string {
	if near := nearest.Of(word, append([]string{anyFailure}, kinds.All()...)); near != "" {
		return fmt.Sprintf("did you mean %q? If it is a provider's code, write it in upper case", near)
	}
	return "if it is a provider's code, write it in upper case; kinds: " + strings.Join(kinds.All(), ", ")
}

// isCode reports whether word may be a provider's code: it begins with a letter and has
// no spaces.
func isCode(word string) bool {
	for i, r := range word {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789_-.:#/", r)) {
			return false
		}
	}
	return word != ""
}
