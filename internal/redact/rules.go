package redact

import "strings"

// minSecret is the shortest value taken for a secret because of the label before it; it keeps "token: null" readable.
const minSecret = 6

// minKey is the shortest word taken for a key because of its prefix alone.
const minKey = 12

// minOrganisation is the length of a UUID, the form of Anthropic's organisation ids:
// https://github.com/continuedev/continue/issues/9623
const minOrganisation = 36

// minID is the shortest organisation or project id, prefix included.
const minID = 8

// secretEnd returns where the secret that starts at word ends, or 0 when word is not one. prev is the word before it.
func secretEnd(s string, prev, word span) int {
	if word.end < len(s) && s[word.end] == '@' {
		if end := emailEnd(s, word.end); end > 0 {
			return end
		}
	}
	text := s[word.start:word.end]
	if len(text) >= minKey && isKey(text) {
		return trim(s, word.start, endOf(s, word.end, valueByte))
	}
	if len(text) >= minID && ((text[3] == '-' || text[3] == '_') && hasFold(text, "org") || text[4] == '_' && hasFold(text, "proj")) {
		return trim(s, word.start, word.end)
	}
	label, sep := s[prev.start:prev.end], s[prev.end:word.start]
	if prev.end == 0 || len(sep) > 6 || sep == " " && len(label) != len("bearer") && len(label) != len("project") && len(text) < minOrganisation {
		return 0 // most words of a sentence end here
	}
	return labelledEnd(s, label, sep, word)
}

// labelledEnd judges a word by the label and the separator before it: "projects/", "api_key:", "Bearer ", ….
func labelledEnd(s, label, sep string, word span) int {
	text := s[word.start:word.end]
	switch mark := separator(sep); {
	case mark == '/' && hasFoldSuffix(label, "projects"),
		mark == ':' && (hasFoldSuffix(label, "project_number") || hasFoldSuffix(label, "project_id")),
		mark == '=' && (hasFoldSuffix(label, "project_number") || hasFoldSuffix(label, "project_id")),
		mark == ' ' && strings.EqualFold(label, "project") && strings.ContainsAny(text, "0123456789-_"),
		mark == ' ' && strings.EqualFold(label, "organization") && len(text) >= minOrganisation,
		mark == ':' && strings.EqualFold(label, "org") && len(text) >= minOrganisation:
		return trim(s, word.start, word.end)
	case mark == ' ' && strings.EqualFold(label, "bearer") && !plainWord(text),
		(mark == ':' || mark == '=') && isSecretLabel(label) && !isScheme(text):
		if end := trim(s, word.start, endOf(s, word.end, valueByte)); end-word.start >= minSecret {
			return end
		}
	}
	return 0
}

// isKey knows the prefixes of credentials that are recognisable alone:
// Google API keys (AIza, AQ.) and OAuth tokens (ya29.), OpenAI and Anthropic (sk-), xAI, Groq (gsk_), Hugging Face (hf_),
// Replicate (r8_), GitHub (gh?_), AWS access key ids (AKIA, ASIA), JSON web tokens (base64 of `{"`).
// Prefixes from the list GitHub publishes: https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns
func isKey(w string) bool {
	switch w[0] {
	case 'A':
		return strings.HasPrefix(w, "AIza") || strings.HasPrefix(w, "AQ.") || len(w) >= 20 && (strings.HasPrefix(w, "AKIA") || strings.HasPrefix(w, "ASIA"))
	case 's':
		return strings.HasPrefix(w, "sk-") || strings.HasPrefix(w, "sk_")
	case 'p':
		return strings.HasPrefix(w, "pk-") || strings.HasPrefix(w, "pplx-")
	case 'x':
		return strings.HasPrefix(w, "xai-")
	case 'g':
		return strings.HasPrefix(w, "gsk_") || len(w) >= 20 && w[1] == 'h' && w[3] == '_'
	case 'h':
		return strings.HasPrefix(w, "hf_")
	case 'r':
		return strings.HasPrefix(w, "r8_")
	case 'y':
		return strings.HasPrefix(w, "ya29.")
	case 'e':
		return strings.HasPrefix(w, "eyJ") && len(w) >= 20
	}
	return false
}

// isSecretLabel reports whether what follows `label:` or `label=` is a secret: key, api_key, x-goog-api-key, access_token, ….
func isSecretLabel(label string) bool {
	for _, end := range [...]string{"key", "token", "secret", "password", "authorization"} {
		if hasFoldSuffix(label, end) {
			return true
		}
	}
	return false
}

// isScheme keeps "Authorization: Bearer …" from being taken as a secret named Bearer: the word after it is the secret.
func isScheme(w string) bool { return strings.EqualFold(w, "bearer") || strings.EqualFold(w, "basic") }

// plainWord reports whether w is prose such as "token" in "bearer token".
func plainWord(w string) bool {
	if len(w) >= 20 {
		return false
	}
	for i := range len(w) {
		if c := w[i]; (c < 'a' || c > 'z') && c != '.' {
			return false
		}
	}
	return true
}

// separator reduces the bytes between a label and its value to the one that matters: ':', '=' or '/', ' ' when there are
// only spaces and quotes, 0 for anything else. Control characters count as spaces since they are printed as spaces.
func separator(sep string) byte {
	mark := byte(' ')
	for i := range len(sep) {
		switch c := sep[i]; {
		case c <= ' ' || c == 0x7f || c == '\'' || c == '"' || c == '\\' || c == '`' || c == '(':
		case (c == ':' || c == '=' || c == '/') && mark == ' ':
			mark = c
		default:
			return 0
		}
	}
	if sep == "" {
		return 0
	}
	return mark
}

// emailEnd returns where the e-mail address ends whose local part ends before the @ at i, or 0.
func emailEnd(s string, i int) int {
	end := trim(s, i+1, endOf(s, i+1, domainByte))
	if end > i+2 && strings.IndexByte(s[i+2:end], '.') >= 0 {
		return end
	}
	return 0
}

// consumerEnd returns where the quoted name that starts at the quote i ends, when it names a Google API consumer
// (consumer 'project_number:1', Consumer 'api_key:…'), or 0.
func consumerEnd(s string, prev span, i int) int {
	if prev.end == 0 || i-prev.end > 2 || !hasFoldSuffix(s[prev.start:prev.end], "consumer") || separator(s[prev.end:i]) != ' ' {
		return 0
	}
	const longest = 256
	rest := s[i+1 : min(len(s), i+1+longest)]
	if n := strings.IndexByte(rest, s[i]); n > 0 {
		return i + 1 + n
	}
	return 0
}

// trim drops punctuation at the end of s[start:end]: it belongs to the sentence.
func trim(s string, start, end int) int {
	for end > start && strings.IndexByte(".-", s[end-1]) >= 0 {
		end--
	}
	return end
}

func hasFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func hasFoldSuffix(s, suffix string) bool {
	return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
}
