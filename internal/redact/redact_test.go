package redact_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// B40
func TestSecretsAreRemoved(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"google key":                    {"key AIzaSyA1234567890abcdefghijklmnopqrstuv is bad", "key [redacted] is bad"},
		"google key in a URL":           {"Post \"https://h/v1?key=AIzaSyA123456_78&alt=sse\"", "Post \"https://h/v1?key=[redacted]&alt=sse\""},
		"google auth key":               {"token AQ.Ab8RN6Kabcdefgh.", "token [redacted]."},
		"key that ends like a label":    {"ya29.a0Af.key=Vdoo70zs", "[redacted]"},
		"google oauth token":            {"ya29.a0AfH6SMBx/yz+1== expired", "[redacted] expired"},
		"openai key":                    {"Incorrect API key provided: sk-proj-abc***wxyz1.", "Incorrect API key provided: [redacted]."},
		"anthropic key":                 {"x-api-key: sk-ant-api03-AbCdEf-_123", "x-api-key: [redacted]"},
		"xai key":                       {"xai-abcdefghij0123", "[redacted]"},
		"groq key":                      {"(gsk_abcdefghij0123)", "([redacted])"},
		"labelled key":                  {"Consumer api_key:00secret00 is off", "Consumer api_key:[redacted] is off"},
		"labelled in json":              {`{"api_key": "0123456789"}`, `{"api_key": "[redacted]"}`},
		"password":                      {"password=hunter22", "password=[redacted]"},
		"bearer":                        {"Authorization: Bearer abc.DEF-123/4==", "Authorization: Bearer [redacted]"},
		"jwt":                           {"got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.s-ig_1", "got [redacted]"},
		"e-mail":                        {"contact jo.doe+x@example.co.uk.", "contact [redacted]."},
		"e-mail in a link":              {"[a@b.cc](mailto:a@b.cc)", "[[redacted]](mailto:[redacted])"},
		"project path":                  {"projects/my-proj-1/locations/us", "projects/[redacted]/locations/us"},
		"project number":                {"project_number:123456", "project_number:[redacted]"},
		"project in prose":              {"has not been used in project 12345 before", "has not been used in project [redacted] before"},
		"consumer":                      {"for consumer 'project_number:1'.", "for consumer '[redacted]'."},
		"suspended consumer":            {"Consumer 'api_key:AIzaSyA12345' has been suspended", "Consumer '[redacted]' has been suspended"},
		"organisation":                  {"in organization org-AbC123 on tokens", "in organization [redacted] on tokens"},
		"groq organisation":             {"in organization `org_01kjh7p9n8` tier", "in organization `[redacted]` tier"},
		"anthropic organisation":        {"for your organization (0540bb20-4516-4109-9684-e689b6757d2e) of 50,000", "for your organization ([redacted]) of 50,000"},
		"anthropic organisation, short": {"(org: 0540bb20-4516-4109-9684-e689b6757d2e, model: m)", "(org: [redacted], model: m)"},
		"openai project":                {"in project proj_AbC123 on", "in project [redacted] on"},

		// Google's texts: https://cloud.google.com/resource-manager/docs/creating-managing-projects and
		// https://cloud.google.com/apis/docs/troubleshooting
		"project in a query":         {"visit https://h/apis/overview?project=123456789012 then", "visit https://h/apis/overview?project=[redacted] then"},
		"project after a hash":       {"enable billing on project #123456789012 by", "enable billing on project #[redacted] by"},
		"project number in prose":    {"Project number 123456789012 has", "Project number [redacted] has"},
		"project id in prose":        {"project ID: acme-prod", "project ID: [redacted]"},
		"project that is a word":     {"Permission denied on resource project acme.", "Permission denied on resource project [redacted]."},
		"project in quotes":          {"Project `acme` is off", "Project `[redacted]` is off"},
		"project, camel case":        {"projectId=acme", "projectId=[redacted]"},
		"project in json":            {`{"project":"acme","projectNumber": "12"}`, `{"project":"[redacted]","projectNumber": "[redacted]"}`},
		"project after a colon":      {"project: acme", "project: [redacted]"},
		"short organisation":         {"organization org_x9 on", "organization [redacted] on"},
		"team":                       {"Your team 0540bb20-4516-4109-9684-e689b6757d2e has", "Your team [redacted] has"},
		"basic":                      {"authorization: Basic dXNlcjpwYXNz", "authorization: Basic [redacted]"},
		"bearer after a colon":       {"bearer: abcdef12", "bearer: [redacted]"},
		"key after provided":         {"Incorrect API key provided: 0123456789abcdef0123456789abcdef. You", "Incorrect API key provided: [redacted]. You"},
		"masked key after provided":  {"Incorrect API key provided: 01234***cdef.", "Incorrect API key provided: [redacted]."},
		"hex key":                    {"key 0123456789abcdef0123456789abcdef is", "key [redacted] is"},
		"hex key, shorter":           {"api-key 0123456789ABCDEF", "api-key [redacted]"},
		"hex token":                  {"Invalid token 00112233445566778899aabb", "Invalid token [redacted]"},
		"hex without a label":        {"got 0123456789abcdef0123456789abcdef there", "got [redacted] there"},
		"base64 without a label":     {"got q7Xw9LmZ3bRt5KpV1nYc8DsF2gHj4Aeu== there", "got [redacted] there"},
		"base64 with slashes":        {"got q7Xw9LmZ3bRt5KpV1nYc8/DsF2gHj4Aeu there", "got [redacted] there"},
		"user and password in a URL": {`Get "https://jo:s3cr!t@host/x": EOF`, `Get "https://[redacted]@host/x": EOF`},
		"password in a URL":          {"redis://:secret@host:6379", "redis://:[redacted]@host:6379"},
		"github token":               {"github_pat_11ABCDEFG0abcdefg", "[redacted]"},
		"google client secret":       {"GOCSPX-abcdefghijkl", "[redacted]"},
		"google refresh token":       {"token 1//0gAbCdEfGhIjKlMnOpQr-St is", "token [redacted] is"},
		"private key":                {"k -----BEGIN PRIVATE KEY-----\nMIIE/vQ+\nab==\n-----END PRIVATE KEY----- z", "k [redacted] z"},
		"private key, escaped":       {`"-----BEGIN RSA PRIVATE KEY-----\\nMIIE\\n-----END RSA PRIVATE KEY-----\\n"`, `"[redacted]\\n"`},
		"private key, cut off":       {"-----BEGIN PRIVATE KEY-----\nMIIE", "[redacted]"},
		"e-mail, escaped":            {"?user=john%40example.com&x", "?user=[redacted]&x"},
		"e-mail, not ascii":          {"an jürgen@exämple.de gesandt", "an [redacted] gesandt"},
		"e-mail, not latin":          {"почта@пример.рф", "[redacted]"},
		// what has no introducer of its own
		"pwd":                       {"host=h pwd=hunterhunter;x=1", "host=h pwd=[redacted];x=1"},
		"passwd":                    {"passwd: hunter22", "passwd: [redacted]"},
		"password with marks":       {"password=p$ss!w0rd,{x", "password=[redacted]"},
		"short password":            {`{"password": "abc"}`, `{"password": "[redacted]"}`},
		"password of words":         {`{"password" : "correct horse battery", "a": "b c"}`, `{"password" : "[redacted]", "a": "b c"}`},
		"password, escaped":         {`{\"password\":\"a\\\"bcdefg\",\"a\":1}`, `{\"password\":\"[redacted]\",\"a\":1}`},
		"password in XML":           {"<password>hunter22</password>", "<password>[redacted]</password>"},
		"password as a flag":        {"login --password hunter22 --host h", "login --password [redacted] --host h"},
		"key on the next line":      {"api_key:\n  abcdef12\n", "api_key:   [redacted] "},
		"key by Gson":               {`key\u003dabcdef12\u0026alt\u003dsse`, `key\u003d[redacted]\u0026alt\u003dsse`},
		"connection string":         {"Server=h;AccountKey=abc123==;Timeout=30", "Server=h;AccountKey=[redacted];Timeout=30"},
		"elastic":                   {"Authorization: ApiKey VnVhQ2ZHY0JDZGJrUW0tZTVhT3g6dWky", "Authorization: ApiKey [redacted]"},
		"aws secret with a slash":   {"secret wJalrXUtnFEMI/K7MDENG/bPxRfiCYZk3mP8qRtA is", "secret [redacted] is"},
		"base64 without a digit":    {"qIrTVHGVUJNlNzatbqDOEPwDisuZAIj/vEJCGYdzsvx=", "[redacted]"},
		"base64 with few changes":   {"bINOTbiUSNYqj7xskccuflmedgvxL+9+s86VPUgO", "[redacted]"},
		"random without a digit":    {"got YtqQXlfcqKGtSQSHLklpLPWMQPCpmRciJNjSWemS there", "got [redacted] there"},
		"random like words":         {"kawVZRawjkjMfTWvoaBxniUjulcyrC8A, zsvziglpsipjglzms00rpenotefc9bxb.", "[redacted], [redacted]."},
		"commit in a path":          {"at commit/da39a3ee5e6b4b0d3255bfef95601890afd80709 it", "at commit/[redacted] it"},
		"ipv6":                      {"dial tcp [2001:db8::8a2e:370:7334]:443: refused", "dial tcp [[redacted]]:443: refused"},
		"hardware address":          {"mac 00:1b:44:11:3a:b7, 00-1B-44-11-3A-B7 or 001b.4411.3ab7.", "mac [redacted], [redacted] or [redacted]."},
		"e-mail, local part quoted": {`to "ann smith"@example.org now`, `to [redacted] now`},
		"e-mail, escaped by JSON":   {`ann\u0040example.org`, `[redacted]`},
		"e-mail of hexadecimal":     {"0123456789abcdef0123456789abcdef@example.org", "[redacted]"},
		"password with @ in a URL":  {"https://jo:s3@cr!t@host/x", "https://[redacted]@host/x"},
		"user in a URL, escaped":    {"?u=https%3A%2F%2Fjo%3As3cr%40host%2Fx", "?u=https%3A%2F%2F[redacted]%40host%2Fx"},
		"labels in the middle":      {"x-goog-api-key: abcdef12, userPassword=abcdef", "x-goog-api-key: [redacted], userPassword=[redacted]"},
		"name beside a value":       {`{"name": "password", "value": "hunter2"} {"key":"X-Api-Key","value":"abcdef"}`, `{"name": "password", "value": "[redacted]"} {"key":"X-Api-Key","value":"[redacted]"}`},
		"name beside a value, YAML": {"- name: DB_PASSWORD\n  value: hunter22\n", "- name: DB_PASSWORD   value: [redacted] "},
		"key that is a name":        {`<add key="ClearTextPassword" value="hunter22" />`, `<add key="ClearTextPassword" value="[redacted]" />`},
		"user and password of curl": {"curl -u ann:hunter22 https://h; curl --user 'ann:a b;c1' https://h", "curl -u [redacted] https://h; curl --user '[redacted]' https://h"},
		"another scheme":            {"Authorization: Token abcdef12", "Authorization: [redacted]"},
		"password in HTML":          {"{&quot;password&quot;:&quot;hunter2;x&quot;} &lt;password&gt;hunter22&lt;/password&gt;", "{&quot;password&quot;:&quot;[redacted]&quot;} &lt;password&gt;[redacted]&lt;/password&gt;"},
		"escaped twice for a URL":   {"?user=john%2540example.com&p=password%253Dhunter22&x", "?user=[redacted]&p=password%253D[redacted]&x"},
		"hexadecimal and a suffix":  {"got 0123456789abcdef0123456789abcdef-us12 there", "got [redacted]-us12 there"},
		"token of an application":   {"123456789012345|abcdefghijklmnopqrstuvwxyz_0", "[redacted]"},
		"token after a word":        {"Invalid token abcd1234efgh5678", "Invalid token [redacted]"},
		"key in pieces":             {"AIzaSy\u200bA1234567\u2060890abcdef is", "[redacted] is"},
		"label in pieces":           {"api_\u00adkey: secret00", "api_key: [redacted]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := redact.Text(tt.in, 256); got != tt.want {
				t.Errorf("Text(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestOrdinaryTextIsKept(t *testing.T) {
	for _, s := range []string{
		"The model is overloaded. Please try again later.",
		"Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 20, model: gemini-2.5-flash",
		"API key not valid. Please pass a valid API key.",
		"a bearer token is required",
		"project has no quota",
		"unexpected token: null",
		"Please enable billing on your project in Google AI Studio, or use a project that has quota.",
		"Basic Authentication is not supported, use basic auth",
		"GenerateRequestsPerDayPerProjectPerModel-FreeTier", "GenerateContentInputTokensPerModelPerMinute-PaidTier3",
		"GenerateContentRequestsPerMinutePerProjectPerRegionPerBaseModelGemini25Pro",
		"generativelanguage.googleapis.com/generate_content_paid_tier_3_input_token_count",
		"Llama-3.3-70B-Instruct-Turbo-Free-0125", "gemini-2.5-flash-preview-native-audio-dialog-09-2025", "claude-3-5-sonnet-20241022-v2:0",
		"limit 20 at https://ai.google.dev/gemini-api/docs/rate-limits, 50% of it", "request req_011CSHoEeqs5C35K2UUqR7Fy",
		"models/gemini-2.5-pro@001",
		"Überlastet – später",
		// words that look like labels
		"the project manager of the project's team: a project, post-mortem included", "Project 2010", "Project: Alice in Wonderland",
		"primary key: customer_2024", "Monkey: banana42", "foreign_key=orders12345", "partitionKey: user12345", "public key: see below",
		"Unexpected token: identifier", "max_tokens: 100000000", "input token: 1048576", "next_page_token=", "token: null", `{"password": null}`,
		"the secret: persistence", "API key: please pass a valid one", "password: required", "the key: gemini-2.5-flash", "key region",
		"Press any key: Enter", "PWD=/home/ann", "git log --show-signature incorrectly", "the `consumer`, and the `producer`, of it",
		"basic conversational-memory", "basic DynamoDB", "bearer certificate-bound", "sort key=name",
		`{"name": "password", "value": null}`, `{"name": "max_tokens", "value": "4096"}`, "the password value: required", "name: TOKEN, valueFrom: x",
		"docker run --user 1000:1000, -u nobody:nogroup", "curl -u https://host/path", "Authorization: Token required",
		"&quot;password&quot; is required", "ext_modules of sc_result", "| 123456789012345 | words |", "100%25 of it",
		// what looks like an address
		"at 12:34:56 and 2026-11-28T18:00:00Z", "std::vector, a::b, cafe::bad", "x[1::2], [::1]:80", "react@18.2.0, mod@v1.2.3, @handle, a@b",
		"model anthropic/claude-3-5-sonnet@20240620", "us.anthropic.claude-3-5-sonnet-20241022-v2:0", "17 % of 40%",
		// what looks like a key
		"npm_config_registry, hf_hub_download, sk_buff, s.String, pk-spawn-polkit-agent, search-engine-optimisation", "risk-assessment, task-list-for-everyone",
		"opt/homebrew/Cellar/libraries/Frameworks/Resources", "https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429",
		"TestJoinNode_E2E_FanInTwoBranches", "google.cloud.sql.v1.SqlExportContext.MysqlExportOptions", "objects_quartz_adjustment_subject_injections", "---------COPYING-----BEGIN---------",
		"Please reduce the length of the messages: 128000 tokens, of which 1000000000 at most", "Resets in 9h22m20s (33740.910400305s)",
		"",
	} {
		if got := redact.Text(s, 256); got != s {
			t.Errorf("Text(%q) = %q, want it unchanged", s, got)
		}
	}
}

// B131
func TestProseIsKept(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) != 3 {
		t.Fatalf("%d excerpts, %v; want 3", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if spans := redact.Spans(string(data)); len(spans) > 0 {
			t.Errorf("%s: %q is taken for a secret", file, data[spans[0].Start:spans[0].End])
		}
		want := strings.ReplaceAll(string(data), "\n", " ")
		if diff := cmp.Diff(want, redact.Text(string(data), len(data))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// What errors are judged and counted by stays: names of states, models, quotas and metrics, numbers and durations. B40
func TestMeaningOfErrorsIsKept(t *testing.T) {
	for s, want := range map[string]string{
		`{"error":{"code":429,"message":"Quota exceeded for quota metric 'Generate Content API requests per minute' and limit 'GenerateContent request limit per minute for a region' of service 'generativelanguage.googleapis.com' for consumer 'project_number:123456789012'.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"41.6s"}]}}`: `{"error":{"code":429,"message":"Quota exceeded for quota metric 'Generate Content API requests per minute' and limit 'GenerateContent request limit per minute for a region' of service 'generativelanguage.googleapis.com' for consumer '[redacted]'.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"41.6s"}]}}`,
		`Rate limit reached for gpt-4.1-mini in organization org-Ab12Cd34Ef on tokens per min (TPM): Limit 200000, Used 199000, Requested 2500. Please try again in 450ms. Visit https://platform.openai.com/account/rate-limits`:                                                                                                                                                                        `Rate limit reached for gpt-4.1-mini in organization [redacted] on tokens per min (TPM): Limit 200000, Used 199000, Requested 2500. Please try again in 450ms. Visit https://platform.openai.com/account/rate-limits`,
		`{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit of 50,000 input tokens per minute (org: 0540bb20-4516-4109-9684-e689b6757d2e, model: claude-sonnet-4-5-20250929)"},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}`:                                                                                                         `{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit of 50,000 input tokens per minute (org: [redacted], model: claude-sonnet-4-5-20250929)"},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}`,
		`googleapi: Error 403: Gemini API has not been used in project acme before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/generativelanguage.googleapis.com/overview?project=123456 then retry. reason: SERVICE_DISABLED, domain: googleapis.com`:                                                                                                       `googleapi: Error 403: Gemini API has not been used in project [redacted] before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/generativelanguage.googleapis.com/overview?project=[redacted] then retry. reason: SERVICE_DISABLED, domain: googleapis.com`,
	} {
		if diff := cmp.Diff(want, redact.Text(s, 2*len(s))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// B131
func TestFieldsSayWhatIsSecret(t *testing.T) {
	for _, tt := range []struct {
		field, value string
		want         bool
	}{
		{"password", "hunter2", true}, {"userPassword", "a b", true}, {"PWD", "abc", true}, {"db_passwd", "x", true}, {"passphrase:", "open", true},
		{"api_key", "abc", true}, {"X-Api-Key", "abc", true}, {"clientSecret", "abc", true}, {"access token", "abc", true}, {"Authorization", "abcdef", true},
		{"token", "abcdefgh", true}, {"secret", "correcthorse", true}, {"key", "a1b2c3d4e5f6", true},
		{"key", "colour", false}, {"primary_key", "a1b2c3d4e5f6", false}, {"sortKey", "name", false}, {"monkey", "a1b2c3d4e5f6", false},
		{"password", "", false}, {"password", "required", false}, {"password", "null", false}, {"PWD", "/home/ann", false},
		{"tokens", "a1b2c3d4e5f6", false}, {"max_tokens", "4096", false}, {"token", "4096", false}, {"", "abc", false}, {":", "abc", false},
	} {
		if got := redact.Secret(tt.field, tt.value); got != tt.want {
			t.Errorf("Secret(%q, %q) = %v, want %v", tt.field, tt.value, got, tt.want)
		}
	}
}

func TestControlCharactersAndInvalidUTF8AreReplaced(t *testing.T) {
	const in, want = "a\r\n\tb\x00\x7f\u0085\u2028\xff\xfec", "a   b    \uFFFD\uFFFDc"
	if got := redact.Text(in, 256); got != want {
		t.Errorf("Text(%q) = %q, want %q", in, got, want)
	}
}

// They reorder or hide what is shown, and split what the rules look for.
func TestFormatCharactersAreRemoved(t *testing.T) {
	const in, want = "a\u202eb\u200bc\ufeff", "abc"
	if got := redact.Text(in, 256); got != want {
		t.Errorf("Text(%q) = %q, want %q", in, got, want)
	}
}

func TestCutOnRuneBoundary(t *testing.T) {
	tests := []struct {
		in   string
		max  int
		want string
	}{
		{"aé", 2, "a"}, {"aé", 3, "aé"}, {"abc", 3, "abc"}, {"abc", 2, "ab"}, {"abc", 0, ""}, {"abc", -1, ""},
		{"k=1 sk-abcdefghijkl", 9, "k=1 [reda"},
		{"\xff\xff", 4, "\uFFFD"},
	}
	for _, tt := range tests {
		if got := redact.Text(tt.in, tt.max); got != tt.want {
			t.Errorf("Text(%q, %d) = %q, want %q", tt.in, tt.max, got, tt.want)
		}
	}
}

func TestSecretAcrossTheCutLeavesNothing(t *testing.T) {
	s := strings.Repeat("x", 250) + " sk-ant-api03-SECRET"
	if got := redact.Text(s, 260); strings.Contains(got, "sk-") {
		t.Errorf("Text kept the beginning of a key: %q", got[250:])
	}
}

func TestCleanTextIsNotCopied(t *testing.T) {
	s := strings.Repeat("The model is overloaded. ", 10)
	if n := testing.AllocsPerRun(100, func() { redact.Text(s, 256) }); n != 0 {
		t.Errorf("Text allocates %v times for clean text, want 0", n)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{
		"", "projects/p key=AIzaSyA12345678 a@b.cc consumer 'x'", "a@b.cc@d.ee", "Bearer\nABCDEFG", "project_number:1@b.cc",
		"key=\xff", "consumer ''", "consumer 'it", "token=sk-123456789012=", "Authorization: Bearer Bearer abcDEF1", "consumer 'a' 'b'",
		"\"0\xb8\"@0.A", "a:b://c@d", "project `x` `y", `"password": "a\\"b" passwd`, "ann%40b.cc%2F", "1::2 fe80::1 0:0:0:0:0:0", "pwd=\xff\\", "key\\u003d=>", "--password\n-----BEGIN \\n",
		"https://a:b@c", "-----BEGIN", "project #1 project", "%40a.bc", "ключ@a.б", "s\u200bk-abcdefghijkl", "1//0", "project\x00number 1", "api_key:\u0085secret00",
	} {
		f.Add(s, 64)
		f.Add(s, 9)
	}
	f.Fuzz(func(t *testing.T, s string, max int) {
		once := redact.Text(s, max)
		if len(once) > max && max >= 0 || !utf8.ValidString(once) {
			t.Fatalf("Text(%q, %d) = %q: too long or invalid", s, max, once)
		}
		end := 0
		for _, span := range redact.Spans(s) {
			if span.Start < end || span.End <= span.Start || span.End > len(s) {
				t.Fatalf("Spans(%q) = %v", s, redact.Spans(s))
			}
			end = span.End
		}
		redact.Secret(s, once)
		if twice := redact.Text(once, max); twice != once {
			t.Fatalf("not idempotent: %q → %q → %q", s, once, twice)
		}
	})
}
