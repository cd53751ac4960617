package redact

import "strings"

// The shortest secrets, in bytes.
const (
	minSecret = 6  // because of the label before it; it keeps "token: null" readable
	minKey    = 12 // because of its prefix alone
	minID     = 8  // organisation or project id, prefix included
	minHex    = 16 // behind a word such as key or token, and of hexadecimal digits alone
	minAny    = 32 // because of its looks alone: hexadecimal (also a UUID's) or random; 128 bits
	minRun    = 20 // of which without a mark, in a random one
)

// secretEnd returns where the secret that starts at word ends, or 0 when word is not one. prev is the word before it, seen
// what wordAt saw in it.
func secretEnd(s string, prev, word span, seen uint8) int {
	if word.end < len(s) && s[word.end] == '@' {
		if end := emailEnd(s, word.end+1); end > 0 {
			return end
		}
	}
	label, sep := s[prev.start:prev.end], s[prev.end:word.start]
	sentence := label != "" && len(sep) == 1 && sep[0] == ' ' && seen&digit == 0 && !introduces(label)
	if sentence && seen&other == 0 {
		return 0 // most words end here
	}
	if text := s[word.start:word.end]; seen&(digit|other) != 0 && len(text) >= minID {
		if end := secretAlone(s, word, seen); end > 0 {
			return end
		}
	} else if text == "1" {
		return refreshTokenEnd(s, word)
	}
	if strings.HasSuffix(sep, "://") || strings.HasSuffix(sep, "://:") {
		return userinfoEnd(s, word.start)
	}
	if label == "" || sentence {
		return 0
	}
	return labelledEnd(s, prev, word, seen)
}

// introduces reports whether a label may stand before a secret that has no digit, with nothing but a space between: it is
// of the length of "basic", "bearer", "project" or "organization" and starts like it.
func introduces(label string) bool {
	switch label[0] | 0x20 {
	case 'b':
		return len(label) == 5 || len(label) == 6
	case 'p':
		return len(label) == 7
	case 'o':
		return len(label) == 12
	}
	return false
}

// secretAlone judges a word by itself, one that is not of letters alone: keys have a digit or a mark.
func secretAlone(s string, word span, seen uint8) int {
	text := s[word.start:word.end]
	switch {
	case len(text) >= minKey && isKey(text):
		return trim(s, word.start, endOf(s, word.end, valueByte))
	case (text[3] == '-' || text[3] == '_') && hasFold(text, "org"), text[4] == '_' && hasFold(text, "proj"):
		return trim(s, word.start, word.end)
	case strings.HasPrefix(text, "-----BEGIN"):
		return privateKeyEnd(s, word.end)
	case isHex(text, minAny):
		return trim(s, word.start, word.end)
	case len(text) >= minRun && seen&digit != 0 && isRandom(text, minRun):
		if end := endOf(s, word.end, valueByte); end-word.start >= minAny {
			return trim(s, word.start, end)
		}
	}
	if i := strings.Index(text, "%40"); seen&other != 0 && i > 0 && emailEnd(s, word.start+i+len("%40")) > 0 {
		return trim(s, word.start, word.end)
	}
	return 0
}

// labelledEnd judges a word by the label and the separator before it: "projects/", "api_key:", "Bearer ", ….
func labelledEnd(s string, prev, word span, seen uint8) int {
	label, text := s[prev.start:prev.end], s[word.start:word.end]
	switch separator(s[prev.end:word.start]) {
	case '/':
		if hasFoldSuffix(label, "projects") {
			return trim(s, word.start, word.end)
		}
	case ':', '=':
		if isProjectLabel(s, prev) {
			return trim(s, word.start, word.end)
		}
		if isSecretLabel(label) && !isScheme(text) {
			if end := trim(s, word.start, endOf(s, word.end, valueByte)); end-word.start >= minSecret {
				return end
			}
		}
	case ' ':
		switch {
		case strings.EqualFold(label, "project") && !afterProject(text, word.end == len(s)),
			seen&digit != 0 && isProjectLabel(s, prev),
			strings.EqualFold(label, "organization") && hasFold(text, "org_"),
			isHex(text, minHex) && isSecretLabel(label):
			return trim(s, word.start, word.end)
		case isScheme(label) && !plainWord(text):
			if end := trim(s, word.start, endOf(s, word.end, valueByte)); end-word.start >= minSecret {
				return end
			}
		}
	}
	return 0
}

// isKey knows the prefixes of credentials that are recognisable alone:
// Google API keys (AIza, AQ.), OAuth tokens (ya29.) and client secrets (GOCSPX-), OpenAI and Anthropic (sk-), xAI, Groq
// (gsk_), Hugging Face (hf_), Replicate (r8_), NVIDIA (nvapi-), GitHub (gh?_, github_pat_), AWS access key ids (AKIA, ASIA),
// JSON web tokens (base64 of `{"`).
// Prefixes from the list GitHub publishes: https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns
func isKey(w string) bool {
	switch w[0] {
	case 'A':
		return strings.HasPrefix(w, "AIza") || strings.HasPrefix(w, "AQ.") || len(w) >= 20 && (strings.HasPrefix(w, "AKIA") || strings.HasPrefix(w, "ASIA"))
	case 'G':
		return strings.HasPrefix(w, "GOCSPX-")
	case 's':
		return strings.HasPrefix(w, "sk-") || strings.HasPrefix(w, "sk_")
	case 'p':
		return strings.HasPrefix(w, "pk-") || strings.HasPrefix(w, "pplx-")
	case 'x':
		return strings.HasPrefix(w, "xai-")
	case 'g':
		return strings.HasPrefix(w, "gsk_") || strings.HasPrefix(w, "github_pat_") || len(w) >= 20 && w[1] == 'h' && w[3] == '_'
	case 'h':
		return strings.HasPrefix(w, "hf_")
	case 'n':
		return strings.HasPrefix(w, "nvapi-")
	case 'r':
		return strings.HasPrefix(w, "r8_")
	case 'y':
		return strings.HasPrefix(w, "ya29.")
	case 'e':
		return strings.HasPrefix(w, "eyJ") && len(w) >= 20
	}
	return false
}

// isSecretLabel reports whether what follows `label:` or `label=` is a secret: key, api_key, x-goog-api-key, access_token, …,
// and the last word of OpenAI's "Incorrect API key provided: …".
func isSecretLabel(label string) bool {
	for _, end := range [...]string{"key", "token", "secret", "password", "authorization", "bearer", "provided"} {
		if hasFoldSuffix(label, end) {
			return true
		}
	}
	return false
}

// isProjectLabel reports whether what follows is a project: project, projectId, quota_project, project_number, or the two
// words "project number".
func isProjectLabel(s string, prev span) bool {
	label := s[prev.start:prev.end]
	if strings.EqualFold(label, "id") || strings.EqualFold(label, "number") {
		before := strings.TrimRightFunc(s[:prev.start], blank)
		return len(before) < prev.start && hasFoldSuffix(before, "project")
	}
	for _, end := range [...]string{"project", "projectid", "project_id", "project-id", "projectnumber", "project_number", "project-number"} {
		if hasFoldSuffix(label, end) {
			return true
		}
	}
	return false
}

// projectWords may follow "project" in a sentence; any other word is taken for a project's id.
var projectWords = [...]string{"a", "and", "are", "as", "at", "before", "but", "by", "can", "cannot", "could", "details", "do", "does", "doesn",
	"exceeded", "for", "from", "had", "has", "have", "id", "ids", "if", "in", "is", "isn", "it", "limit", "limits", "may", "must", "name", "needs",
	"not", "number", "numbers", "of", "on", "or", "owner", "quota", "quotas", "s", "settings", "should", "that", "the", "this", "to", "under",
	"was", "were", "when", "where", "which", "will", "with", "without", "you", "your"}

// afterProject reports whether w is one of projectWords, or, where the text was cut, the beginning of one.
func afterProject(w string, cut bool) bool {
	w = strings.TrimRight(w, ".-")
	for _, word := range projectWords {
		if strings.EqualFold(w, word) || cut && hasFold(word, w) {
			return true
		}
	}
	return false
}

// isScheme keeps "Authorization: Bearer …" from being taken as a secret named Bearer: the word after it is the secret.
func isScheme(w string) bool { return strings.EqualFold(w, "bearer") || strings.EqualFold(w, "basic") }

// separator reduces what stands between a label and its value to the one character that matters: ':', '=' or '/', ' ' when
// there are only blanks, quotes and a number sign, 0 for anything else.
func separator(sep string) byte {
	const longest = 6 // characters
	mark, n := byte(' '), 0
	for _, r := range sep {
		switch n++; {
		case n > longest:
			return 0
		case blank(r), strings.ContainsRune("'\"\\`(#", r):
		case (r == ':' || r == '=' || r == '/') && mark == ' ':
			mark = byte(r)
		default:
			return 0
		}
	}
	if n == 0 {
		return 0
	}
	return mark
}

// emailEnd returns where the e-mail address ends whose domain starts at i, or 0 when none does.
func emailEnd(s string, i int) int {
	end := i
	for end < len(s) {
		n := 1
		if class[s[end]]&domainByte == 0 {
			if n = letter(s[end:]); n == 0 {
				break
			}
		}
		end += n
	}
	end = trim(s, i, end)
	if end > i+1 && strings.IndexByte(s[i+1:end], '.') >= 0 {
		return end
	}
	return 0
}

// userinfoEnd returns where the user and password of a URL end that start at i, or 0 when the URL has none.
func userinfoEnd(s string, i int) int {
	const longest = 256
	n := strings.IndexAny(s[i:min(len(s), i+longest)], "@/?#\"'<> \t\r\n")
	if n > 0 && s[i+n] == '@' {
		return i + n
	}
	return 0
}

// refreshTokenEnd returns where the Google refresh token ends that starts with word: "1//" and what is longer than a date.
func refreshTokenEnd(s string, word span) int {
	if !strings.HasPrefix(s[word.end:], "//") {
		return 0
	}
	if end := trim(s, word.start, endOf(s, word.end, valueByte)); end-word.start >= minRun {
		return end
	}
	return 0
}

// privateKeyEnd returns where the PEM block ends whose first words end at i: behind its last line, or, when it was cut off,
// at the end of s.
func privateKeyEnd(s string, i int) int {
	const last, dashes = "-----END", "-----"
	n := strings.Index(s[i:], last)
	if n < 0 {
		return len(s)
	}
	i += n + len(last)
	if n = strings.Index(s[i:], dashes); n < 0 {
		return len(s)
	}
	return i + n + len(dashes)
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
