// Package texts defines the kinds of strings in a policy file: names, patterns, addresses, regular
// expressions and free text. The tag kind of a field in package spec selects one.
package texts

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
)

// Max is the longest free text, in characters.
const Max = 4096

// maxNotice is the longest notice, in bytes: call.MaxNoticeBytes.
const maxNotice = 512

// Kinds returns the kinds by the tag kind of a field; "" is names.
func Kinds() map[string]*strictyaml.Scalar {
	name := strictyaml.Pattern(`^[\p{L}\p{N}][\p{L}\p{M}\p{N}._:/@|+ -]*$`, "a name of at most 128 letters, digits, spaces and . _ : / @ | + -, beginning with a letter or digit").AtMost(128)
	pattern := strictyaml.Pattern(`^[\p{L}\p{N}*][\p{L}\p{M}\p{N}._:/@|+ *-]*$`, "a name, in which * stands for any text").AtMost(128)
	env := strictyaml.Pattern(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`, "the name of an environment variable, such as OPENAI_API_KEY")
	env.Secret = true
	address := strictyaml.Pattern(`^https?://[^\s/?#@]+[^\s?#@]*$`, "an http or https URL without user, query and fragment, its host in ASCII")
	address.Secret = true
	server := strictyaml.Pattern(`^(rediss?://[^\s/?#@]+(/[0-9]*)?|unix://[^\s?#@]+(\?db=[0-9]+)?)$`, "a redis, rediss or unix URL without user and password, such as redis://localhost:6379/0; url_env can name a variable that holds one with them")
	server.Secret = true
	expression := strictyaml.Text(Max, fmt.Sprintf("a regular expression (https://pkg.go.dev/regexp/syntax) of at most %d characters", Max))
	expression.Schema.Format = "regex"
	zone := strictyaml.Pattern(`^[A-Za-z0-9_+/-]{1,64}$`, "a time zone of the IANA database, such as UTC or Europe/Berlin")
	return map[string]*strictyaml.Scalar{
		"":         name,
		"label":    strictyaml.Pattern(`^([A-Za-z]|_[A-Za-z0-9])[A-Za-z0-9_]{0,62}$`, "the name of a Prometheus label, such as team"),
		"pattern":  pattern,
		"state":    strictyaml.Pattern(`^[A-Za-z_][A-Za-z0-9_.:-]{0,127}$`, "a key of the session state, such as user:plan"),
		"fact":     strictyaml.Pattern(`^(tenant|priority|data_class|region|labels\.[A-Za-z0-9_.-]{1,64})$`, "tenant, priority, data_class, region or labels.NAME"),
		"env":      env.Only(func(text string) bool { return !looksLikeKey(text) }),
		"redis":    server.Only(func(text string) bool { _, err := url.Parse(text); return err == nil }),
		"prefix":   strictyaml.Pattern(`^[A-Za-z0-9][A-Za-z0-9._:/{}-]{0,63}$`, "at most 64 letters, digits and . _ : / { } -, beginning with a letter or digit"),
		"url":      address.Only(func(text string) bool { u, err := url.Parse(text); return err == nil && isPlainHost(u.Hostname()) }),
		"timezone": zone.Only(func(text string) bool { _, err := time.LoadLocation(text); return err == nil && text != "Local" }),
		"regexp":   expression.Only(func(text string) bool { _, err := regexp.Compile(text); return err == nil }),
		"notice":   strictyaml.Text(maxNotice, fmt.Sprintf("text of 1 to %d bytes", maxNotice)).Only(func(text string) bool { return len(text) <= maxNotice }),
		"text":     strictyaml.Text(Max, fmt.Sprintf("text of 1 to %d characters", Max)),
	}
}

// isPlainHost reports whether a host has one spelling alone: in ASCII, without a dot at
// its end. Others reach the same server under another name.
func isPlainHost(host string) bool {
	return host != "" && !strings.HasSuffix(host, ".") && !strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r > '~' })
}

// looksLikeKey reports whether a word that could be the name of an environment variable is
// more likely a key, written there by mistake: a name consists of words, a key mixes
// letters of both cases and digits.
func looksLikeKey(word string) bool {
	var lower, upper, digits, run, longest int
	for _, c := range word {
		switch {
		case c == '_':
			run = -1
		case '0' <= c && c <= '9':
			digits++
		case 'a' <= c && c <= 'z':
			lower++
		default:
			upper++
		}
		run++
		longest = max(longest, run)
	}
	return redact.Text(word, len(word)+1) != word || longest >= 16 && digits > 0 && (lower > 0 && upper > 0 || digits >= 4)
}
