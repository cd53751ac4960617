package redact

import "strings"

// kind is what stands behind a label.
type kind uint8

const (
	nothing   kind = iota
	password       // any text
	key            // a key, whatever it looks like if it is assigned (api_key=…)
	noun           // a key if its looks say so: "token" and "key" are words of prose too
	scheme         // credentials behind a space: "Bearer …"
	basic          // the same, of a user's name and password
	project        // the id or number of a Google project
	projects       // the same, in a path
	team           // the id of an organisation at the provider
	consumer       // a quoted name of a consumer of a Google API
	login          // a name and a password behind a flag: curl -u ann:…
	qualified      // a key if the word before it says so (access token), nothing if that says so (primary key), else as noun
	numbered       // a project if the word before it is one (project id)
)

// label is the end of a name that says what stands behind it. It must be a word of that name (access_token, accessToken,
// X-Access-Token), unless inside is set: dbpassword.
type label struct {
	name   string // lower case
	is     kind
	inside bool
}

// labels by their last byte. Sources: the names that gitleaks' rules generic-api-key, database-password and curl-auth-header look
// for, and sidekiq-secret; RFC 9110 (Authorization); Google's texts on projects: https://cloud.google.com/resource-manager/docs/creating-managing-projects
// and https://cloud.google.com/apis/docs/troubleshooting; OpenAI's "Incorrect API key provided: …".
var labels = [...]label{
	{"basic", basic, false},
	{"provided", noun, false}, {"password", password, true}, {"passwd", password, true}, {"pwd", password, false}, {"pswd", password, false},
	{"projectid", project, true}, {"id", numbered, false},
	{"passphrase", password, true}, {"passcode", password, true}, {"signature", noun, false},
	{"sig", noun, false}, {"auth", noun, false}, {"hmac", noun, false},
	{"credential", noun, false}, {"authorization", key, true}, {"token", qualified, false},
	{"authtoken", key, true}, {"accesstoken", key, true}, {"refreshtoken", key, true}, {"organization", team, false},
	{"bearer", scheme, false}, {"consumer", consumer, true}, {"projectnumber", project, true}, {"number", numbered, false},
	{"credentials", noun, false}, {"pass", noun, false}, {"projects", projects, true}, {"creds", noun, false},
	{"secret", qualified, false}, {"passwort", password, true}, {"project", project, true}, {"clientsecret", key, true}, {"gitlab_session", key, true},
	{"key", qualified, false}, {"apikey", scheme, true}, {"secretkey", key, true}, {"accesskey", key, true}, {"privatekey", key, true},
	{"accountkey", key, true},
	{"contribsys__com", password, true}, {"-u", login, false}, {"--user", login, false},
}

// Words before "key", "token" and "secret": those that make it one, and those that make it something else.
const (
	keyWords = " api access secret private auth authentication authorization refresh client session signing encryption master service " +
		"account admin shared webhook subscription license security bearer oauth oauth2 personal deploy bot app user id goog aws azure openai " +
		"anthropic gemini google ssh storage consumer x "
	otherWords = " primary foreign partition sort sorting public cache unique hash range composite idempotency lookup index natural surrogate " +
		"candidate routing map dictionary any arrow hot row object page next continuation stop start end pad eos bos unexpected " +
		"special first last second third input output max total each every per "
)

// placeholders of values in messages and schemas: they tell what is wrong, and are no secret.
const notSecret = " null none nil true false undefined required missing invalid incorrect wrong expired optional empty unset string number integer " +
	"boolean object array password please command redacted unknown not-set bearer basic digest negotiate token apikey "

// authSchemes are those before credentials in an Authorization header that are no labels themselves.
const authSchemes = " token negotiate "

func oneOf(words, w string) bool {
	if len(w) == 0 || len(w) > 16 {
		return false
	}
	var b [18]byte
	b[0] = ' '
	for i := range len(w) {
		if b[i+1] = w[i] | 0x20; w[i] == ' ' {
			return false
		}
	}
	b[len(w)+1] = ' '
	return strings.Contains(words, string(b[:len(w)+2]))
}

// byLast indexes labels by the last byte of the name.
var byLast = func() (t [32][]label) {
	for _, l := range labels {
		c := l.name[len(l.name)-1] & 31
		t[c] = append(t[c], l)
	}
	return t
}()

// lastBytes has, by the last and the second last byte of a label, a bit for each one before those: most words end differently.
var lastBytes = func() (t [32][32]uint32) {
	for _, l := range labels {
		n := len(l.name)
		set := &t[l.name[n-1]&31][l.name[n-2]&31]
		if n == 2 {
			*set = ^uint32(0)
		} else {
			*set |= 1 << (l.name[n-3] & 31)
		}
	}
	return t
}()

// kindOf returns what stands behind s[start:end], a word.
func kindOf(s string, start, end int) kind {
	if end-start < 2 {
		return nothing
	}
	third := byte(0)
	if end-start > 2 {
		third = s[end-3]
	}
	if lastBytes[s[end-1]&31][s[end-2]&31]&(1<<(third&31)) == 0 {
		return nothing
	}
	for i := range byLast[s[end-1]&31] {
		l := &byLast[s[end-1]&31][i]
		at := end - len(l.name)
		if at < start || s[at]|0x20 != l.name[0] || !equalFold(s[at:end], l.name) || !l.inside && !startsWord(s, start, at) {
			continue
		}
		switch l.is {
		case qualified:
			w := wordBefore(s, at)
			switch {
			case oneOf(keyWords, w):
				return key
			case oneOf(otherWords, w):
				return nothing
			}
			return noun
		case numbered:
			if at == start && equalFold(wordBefore(s, at), "project") || at > start && hasFoldSuffix(s[start:at-1], "project") {
				return project
			}
			return nothing
		}
		return l.is
	}
	return nothing
}

// startsWord reports whether a word starts at i of the name that starts at start: behind a mark, or as accessToken has it.
func startsWord(s string, start, i int) bool {
	return i == start || class[s[i-1]]&letter == 0 || class[s[i-1]]&lower != 0 && class[s[i]]&upper != 0
}

// wordBefore returns the word of letters and digits before i, with one mark or space between, or none.
func wordBefore(s string, i int) string {
	end := i
	if end > 0 && class[s[end-1]]&(letter|digit) == 0 {
		if end--; s[end] != ' ' && class[s[end]]&word == 0 {
			return ""
		}
	}
	start := end
	for start > 0 && end-start <= 16 && class[s[start-1]]&(letter|digit) != 0 {
		if start--; class[s[start]]&upper != 0 && start > 0 && class[s[start-1]]&lower != 0 {
			break // accessToken
		}
	}
	return s[start:end]
}

// equalFold is strings.EqualFold for a name of lower case.
func equalFold(s, name string) bool {
	if len(s) != len(name) {
		return false
	}
	for i := range len(name) {
		if c := s[i]; c != name[i] && (c|0x20 != name[i] || class[c]&upper == 0) {
			return false
		}
	}
	return true
}

func hasFoldSuffix(s, suffix string) bool {
	return len(s) >= len(suffix) && equalFold(s[len(s)-len(suffix):], suffix)
}
