package redact_test

import (
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"regexp/syntax"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// shapes are what keys of each kind look like in full, as regular expressions. Sources as in forms.go.
var shapes = map[string]string{
	"1password":                `A3-[A-Z0-9]{6}-[A-Z0-9]{11}-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}`,
	"1password service":        `ops_eyJ[a-zA-Z0-9+/]{250}={0,3}`,
	"adobe":                    `p8e-[a-z0-9]{32}`,
	"age":                      `AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}`,
	"alibaba":                  `LTAI[a-zA-Z0-9]{20}`,
	"anthropic":                `sk-ant-(api03|admin01)-[a-zA-Z0-9_\-]{93}AA`,
	"authress":                 `(sc|ext|scauth|authress)_[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.acc[_-][a-z0-9-]{10,32}\.[a-z0-9+/_=-]{30,120}[0-9]`,
	"artifactory":              `AKCp[A-Za-z0-9]{69}`,
	"artifactory reference":    `cmVmd[A-Za-z0-9]{59}`,
	"atlassian":                `ATATT3[A-Za-z0-9_\-=]{186}`,
	"aws key id":               `(A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}`,
	"aws secret":               `[A-Za-z0-9/+]{40}`,
	"azure client secret":      `[a-zA-Z0-9_~.]{3}[0-9]Q~[a-zA-Z0-9_~.\-]{31}`,
	"azure key, labelled":      `AccountKey=[A-Za-z0-9+/]{86}==`,
	"base64":                   `[A-Za-z0-9+/]{43}=`,
	"base64url":                `[A-Za-z0-9_\-]{43}`,
	"bitbucket":                `ATBB[A-Za-z0-9]{32}`,
	"clickhouse":               `4b1d[A-Za-z0-9]{38}`,
	"clojars":                  `CLOJARS_[a-z0-9]{60}`,
	"cloudflare origin":        `v1\.0-[a-f0-9]{24}-[a-f0-9]{146}`,
	"databricks":               `dapi[a-f0-9]{32}(-[0-9])?`,
	"defined networking":       `dnkey-[a-z0-9=_\-]{26}-[a-z0-9=_\-]{52}`,
	"digitalocean":             `do[opr]_v1_[a-f0-9]{64}`,
	"docker":                   `dckr_(pat|oat)_[a-zA-Z0-9_\-]{27}`,
	"doppler":                  `dp\.pt\.[a-z0-9]{43}`,
	"dropbox":                  `sl\.[a-z0-9\-=_]{135}`,
	"duffel":                   `duffel_(test|live)_[a-z0-9_\-=]{43}`,
	"dynatrace":                `dt0c01\.[a-z0-9]{24}\.[a-z0-9]{64}`,
	"easypost":                 `EZ[AT]K[a-z0-9]{54}`,
	"elastic cloud":            `essu_[A-Za-z0-9+/]{60}==`,
	"elastic app search":       `private-[a-z]{10}[0-9][a-z0-9]{13}`,
	"elastic, labelled":        `Authorization: ApiKey [A-Za-z0-9]{58}==`,
	"facebook app":             `[0-9]{15,16}\|[0-9a-z\-_]{27,40}`,
	"facebook":                 `EAA[MC][a-zA-Z0-9]{120}`,
	"fireworks":                `fw_[a-zA-Z0-9]{24}`,
	"flutterwave":              `FLW(SECK|PUBK)_TEST-[a-h0-9]{32}-X`,
	"fly":                      `(fo1_[\w\-]{43}|fm1[ar]_[a-zA-Z0-9+/]{100}={0,3}|fm2_[a-zA-Z0-9+/]{100}={0,3})`,
	"frame.io":                 `fio-u-[a-zA-Z0-9\-_=]{64}`,
	"github":                   `gh[pousr]_[0-9a-zA-Z]{36}`,
	"github fine-grained":      `github_pat_\w{82}`,
	"gitlab":                   `gl(pat|dt|rt|ffct|ft|soat)-[0-9a-zA-Z_\-]{20}`,
	"gitlab mail":              `glimt-[0-9a-zA-Z_\-]{25}`,
	"gitlab agent":             `glagent-[0-9a-zA-Z_\-]{50}`,
	"gitlab job":               `glcbt-[0-9a-zA-Z]{1,5}_[0-9a-zA-Z_\-]{20}`,
	"gitlab oauth":             `gloas-[0-9a-zA-Z_\-]{64}`,
	"gitlab routable":          `glpat-[0-9a-zA-Z_\-]{40}\.[0-9a-z]{2}[0-9a-z]{7}`,
	"gitlab runner":            `GR1348941[\w\-]{20}`,
	"gitlab runner, routable":  `glrt-t[0-9]_[0-9a-zA-Z_\-]{40}\.[0-9a-z]{2}[0-9a-z]{7}`,
	"gitlab session":           `_gitlab_session=[0-9a-z]{32}`,
	"gitlab trigger":           `glptt-[0-9a-f]{40}`,
	"gocardless":               `live_[a-z0-9\-_=]{40}`,
	"google":                   `AIza[\w\-]{35}`,
	"google client secret":     `GOCSPX-[a-zA-Z0-9_\-]{28}`,
	"google oauth":             `ya29\.[0-9A-Za-z_\-]{60}`,
	"google refresh":           `1//0[0-9A-Za-z_\-]{60}`,
	"google vertex":            `AQ\.Ab8RN6[0-9A-Za-z_\-]{44}`,
	"grafana":                  `glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}`,
	"grafana cloud":            `glc_[A-Za-z0-9+/]{60}={0,3}`,
	"groq":                     `gsk_[A-Za-z0-9]{52}`,
	"harness":                  `(pat|sat)\.[a-zA-Z0-9_\-]{22}\.[a-zA-Z0-9]{24}\.[a-zA-Z0-9]{20}`,
	"heroku":                   `HRKU-AA[0-9a-zA-Z_\-]{58}`,
	"hex":                      `[0-9a-f]{32}`,
	"hex, capital":             `[0-9A-F]{64}`,
	"hugging face":             `hf_[a-zA-Z]{34}`,
	"infracost":                `ico-[a-zA-Z0-9]{32}`,
	"intra42":                  `s-s4t2(ud|af)-[abcdef0-9]{64}`,
	"jwt":                      `eyJ[a-zA-Z0-9]{17,40}\.eyJ[a-zA-Z0-9_\-]{17,60}\.[a-zA-Z0-9_\-]{43}`,
	"linear":                   `lin_api_[a-z0-9]{40}`,
	"lob":                      `((test|live)_[a-f0-9]{35}|(test|live)_pub_[a-f0-9]{31})`,
	"mailchimp":                `[a-f0-9]{32}-us[0-9][0-9]`,
	"maxmind":                  `[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk`,
	"mailgun":                  `(pub)?key-[a-f0-9]{32}`,
	"mapbox":                   `pk\.eyJ[a-zA-Z0-9]{57}\.[a-zA-Z0-9]{22}`,
	"new relic":                `(NRAK-[A-Z0-9]{27}|NRJS-[a-f0-9]{19}|NRII-[a-zA-Z0-9\-]{32})`,
	"nuget":                    `<add key="(ClearText)?Password" value="[a-zA-Z0-9!#*]{8,20}" />`,
	"notion":                   `ntn_[0-9]{11}[A-Za-z0-9]{35}`,
	"npm":                      `npm_[a-zA-Z0-9]{36}`,
	"nvidia":                   `nvapi-[a-zA-Z0-9_\-]{64}`,
	"octopus":                  `API-[A-Z0-9]{26}`,
	"okta":                     `okta_token: 00[\w\-]{40}`,
	"openai":                   `sk-(proj|svcacct|admin)-[A-Za-z0-9_\-]{74}T3BlbkFJ[A-Za-z0-9_\-]{74}`,
	"openai, old":              `sk-[a-zA-Z0-9]{20}T3BlbkFJ[a-zA-Z0-9]{20}`,
	"openshift":                `sha256~[\w\-]{43}`,
	"perplexity":               `pplx-[a-zA-Z0-9]{48}`,
	"plaid":                    `access-(sandbox|development|production)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`,
	"planetscale":              `pscale_(tkn|oauth|pw)_[\w=\.\-]{32,64}`,
	"postman":                  `PMAK-[a-f0-9]{24}-[a-f0-9]{34}`,
	"prefect":                  `pnu_[a-zA-Z0-9]{36}`,
	"pulumi":                   `pul-[a-f0-9]{40}`,
	"pypi":                     `pypi-AgEIcHlwaS5vcmc[\w\-]{80}`,
	"readme":                   `rdme_[a-z0-9]{70}`,
	"replicate":                `r8_[a-zA-Z0-9]{37}`,
	"rubygems":                 `rubygems_[a-f0-9]{48}`,
	"scalingo":                 `tk-us-[\w\-]{48}`,
	"sendgrid":                 `SG\.[a-zA-Z0-9_\-]{22}\.[a-zA-Z0-9_\-]{43}`,
	"sendinblue":               `xkeysib-[a-f0-9]{64}-[a-zA-Z0-9]{16}`,
	"sentry":                   `sntryu_[a-f0-9]{64}`,
	"sentry organisation":      `sntrys_eyJpYXQiO[a-zA-Z0-9+/]{80}={0,2}_[a-zA-Z0-9+/]{43}`,
	"settlemint":               `sm_[aps]at_[a-zA-Z0-9]{16}`,
	"shippo":                   `shippo_(live|test)_[a-fA-F0-9]{40}`,
	"shopify":                  `shp(at|ca|pa|ss)_[a-fA-F0-9]{32}`,
	"sidekiq":                  `BUNDLE_(ENTERPRISE|GEMS)__CONTRIBSYS__COM=[a-f0-9]{8}:[a-f0-9]{8}`,
	"slack":                    `xox[bp]-[0-9]{12}-[0-9]{12}-[a-zA-Z0-9]{24}`,
	"slack configuration":      `(xoxe\.xox[bp]-[0-9]-[A-Z0-9]{163,166}|xoxe-[0-9]-[A-Z0-9]{146})`,
	"slack legacy":             `(xox[os]-[0-9]{11}-[0-9]{11}-[0-9]{11}-[a-f0-9]{10}|xox[ar]-2-[0-9a-zA-Z]{48}|xoxb-[0-9]{12}-[a-zA-Z0-9]{24})`,
	"slack app":                `xapp-[0-9]-[A-Z0-9]{11}-[0-9]{13}-[a-z0-9]{64}`,
	"slack webhook":            `https://hooks\.slack\.com/services/T[A-Z0-9]{8}/B[A-Z0-9]{10}/[A-Za-z0-9]{24}`,
	"sourcegraph":              `sgp_([a-fA-F0-9]{16}_)?[a-fA-F0-9]{40}`,
	"square":                   `(EAAA[\w\-]{60}|sq0atp-[\w\-]{22})`,
	"stripe":                   `(sk|rk)_(test|live|prod)_[a-zA-Z0-9]{10,99}`,
	"teams webhook":            `https://[a-z]{4}\.webhook\.office\.com/webhookb2/[a-f0-9]{8}-([a-f0-9]{4}-){3}[a-f0-9]{12}@[a-f0-9]{8}-([a-f0-9]{4}-){3}[a-f0-9]{12}/IncomingWebhook/[a-f0-9]{32}/[a-f0-9]{8}-([a-f0-9]{4}-){3}[a-f0-9]{12}`,
	"telegram":                 `[0-9]{9,10}:AA[A-Za-z0-9_\-]{33}`,
	"terraform":                `[a-zA-Z0-9]{14}\.atlasv1\.[a-zA-Z0-9\-_=]{67}`,
	"trello":                   `ATTA[a-f0-9]{64}`,
	"twilio":                   `SK[0-9a-f]{32}`,
	"twitter":                  `A{22}[a-zA-Z0-9%]{80,100}`,
	"typeform":                 `tfp_[a-zA-Z0-9\-_\.=]{59}`,
	"uuid":                     `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`,
	"vault":                    `(hvb\.[\w\-]{138}|hvs\.[\w\-]{95})`,
	"vault, old":               `s\.[a-z0-9]{12}[0-9][A-Za-z0-9]{11}`,
	"xai":                      `xai-[A-Za-z0-9]{80}`,
	"yandex":                   `(t1\.[A-Z0-9a-z_\-]{50}\.[A-Z0-9a-z_\-]{86}|AQVN[A-Za-z0-9_\-]{36}|YC[a-zA-Z0-9_\-]{38})`,
	"password":                 `(password|passwd|db_password|DB_PASSWD|userPassword|passphrase)(=|: )[a-zA-Z0-9!#%^*+]{5}[0-9][a-zA-Z0-9!#%^*]{9}Z`,
	"password in JSON":         `"(password|passwd|db_password|DB_PASSWD|userPassword|passphrase|pwd)" ?: ?"[a-zA-Z0-9!#%^*+$@,;]{16}"`,
	"secret in JSON":           `"(api_key|apikey|x-api-key|clientSecret|access_token|aws_secret_access_key)" ?: ?"[a-zA-Z0-9+/]{16,40}"`,
	"pwd":                      `pwd=[a-zA-Z0-9]{15}`,
	"secret by name":           `(api_key|apikey|x-api-key|clientSecret|access_token|aws_secret_access_key|OPENAI_API_KEY|license key)(=|: )[a-z]{5}[0-9][A-Za-z0-9]{12}`,
	"bearer":                   `Bearer [A-Za-z0-9\-_.]{5}[0-9][A-Za-z0-9]{20}`,
	"password in pairs":        `(\{"name": ?"(password|DB_PASSWD|x-api-key)", ?"value": ?"[a-zA-Z0-9!#*]{12,20}"\}|- name: (DB_PASSWORD|API_KEY)\n  value: [a-zA-Z0-9]{11}[0-9]|name='passwd' value='[a-zA-Z0-9!#*]{12,20}')`,
	"curl -u":                  `curl (-u|--user)[ =]([a-z]{5}:[a-zA-Z0-9!]{11}[0-9]|'[a-z]{5}:[a-zA-Z0-9!*]{11}[0-9]')`,
	"authorization, token":     `Authorization: Token [a-zA-Z0-9]{15}[0-9]`,
	"e-mail":                   `[a-z][a-z0-9._+\-]{7,20}[a-z]@[a-z]{3,12}(\.[a-z]{2,8}){1,2}`,
	"e-mail of hexadecimal":    `[0-9a-f]{32}@[a-z]{8}\.com`,
	"e-mail in letters":        `[äöüßéñ]{3}[a-z]{5}@[a-zäöü]{8}\.[a-z]{2}`,
	"e-mail, quoted":           `"[a-z]{4} [a-z]{4}"@[a-z]{8}\.org`,
	"hardware address":         `([0-9a-f]{2}:){5}[0-9a-f]{2}`,
	"hardware address, dashes": `([0-9A-F]{2}-){5}[0-9A-F]{2}`,
	"ipv6":                     `2001(:[1-9a-f][0-9a-f]{3}){7}`,
	"ipv6, short":              `fe80::[1-9a-f][0-9a-f]{3}(:[1-9a-f][0-9a-f]{3}){3}`,
	"url with a password":      `(postgres|https|amqp)://[a-z]{6}:[a-zA-Z0-9!$^*]{6}[a-zA-Z0-9]{6}@localhost`,
}

// surroundings are where a secret may stand. Each returns the text.
var surroundings = []func(secret string) string{
	func(s string) string { return s },
	func(s string) string { return "The value " + s + " was refused." },
	func(s string) string { return "It was " + s + ".\nPlease ask again." },
	func(s string) string { return `got "` + s + `" there` },
	func(s string) string { return `got '` + s + `', "x"` },
	func(s string) string { return "(" + s + "), [" + s + "] and <" + s + ">" },
	func(s string) string { return "x=" + s + "\ny=1" },
	func(s string) string { return "value: " + s + "\r\nother: 1" },
	func(s string) string { return `Get "https://host.example/v1?x=` + s + `&alt=sse": EOF` },
	func(s string) string { return jsonOf(map[string]any{"note": s, "code": 1}) },
	func(s string) string { return jsonOf(map[string]any{"note": "first\n" + s + "\nlast\t" + s + "\r\n"}) },
	func(s string) string { return jsonOf(jsonOf(map[string]any{"note": "first\n" + s})) },
	func(s string) string { return "GET /x?q=" + url.QueryEscape("a\n"+s+"\nb") + "&y=1" },
	func(s string) string { return "GET /x?q=" + url.QueryEscape(url.QueryEscape("a "+s+" b")) + "&y=1" },
	func(s string) string {
		return "<p title=\"" + html.EscapeString(s) + "\">" + html.EscapeString(s) + "</p>"
	},
	func(s string) string { return fmt.Sprintf("call failed: %q", "with "+s+"\n") },
	func(s string) string { return "密钥：" + s + "。" },
	func(s string) string { return "a, " + s + ", " + s + "; b" },
}

func jsonOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// sample returns a random string that a regular expression matches.
func sample(r *rand.Rand, re *syntax.Regexp) string {
	var b strings.Builder
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		n := 0
		for i := 0; i < len(re.Rune); i += 2 {
			n += int(re.Rune[i+1]-re.Rune[i]) + 1
		}
		n = r.IntN(n)
		for i := 0; ; i += 2 {
			size := int(re.Rune[i+1]-re.Rune[i]) + 1
			if n < size {
				return string(re.Rune[i] + rune(n))
			}
			n -= size
		}
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			b.WriteString(sample(r, sub))
		}
	case syntax.OpAlternate:
		return sample(r, re.Sub[r.IntN(len(re.Sub))])
	case syntax.OpQuest, syntax.OpRepeat:
		low, high := re.Min, re.Max
		if re.Op == syntax.OpQuest {
			low, high = 0, 1
		}
		for range low + r.IntN(high-low+1) {
			b.WriteString(sample(r, re.Sub[0]))
		}
	case syntax.OpEmptyMatch:
	default:
		panic(fmt.Sprint("sample does not know ", re))
	}
	return b.String()
}

// survivor returns eight characters of secret that are in got, or "".
func survivor(secret, got string) string {
	quarter := false // whatever survives holds four bytes at a multiple of four
	for i := 0; i+4 <= len(secret) && !quarter; i += 4 {
		quarter = strings.Contains(got, secret[i:i+4])
	}
	if !quarter {
		return ""
	}
	runes := []rune(secret)
	for i := 0; i+8 <= len(runes); i++ {
		if piece := string(runes[i : i+8]); strings.Contains(got, piece) {
			return piece
		}
	}
	return ""
}

// valueOf returns what of a sample is secret: without a label, a scheme or a host.
func valueOf(kind, s string) string {
	switch kind {
	case "password", "pwd", "secret by name", "password in JSON", "secret in JSON":
		s = strings.TrimRight(s, "\"")
		return s[strings.LastIndexAny(s, "= \"")+1:]
	case "nuget", "password in pairs":
		s = strings.TrimRight(s, "\"'}/> ")
		return s[strings.LastIndexAny(s, "'\" ")+1:]
	case "curl -u":
		s = strings.TrimRight(s, "'")
		return s[strings.IndexByte(s, ':')+1:]
	case "sidekiq":
		return s[strings.IndexByte(s, '=')+1:]
	case "elastic, labelled", "bearer", "okta", "authorization, token":
		return s[strings.LastIndexByte(s, ' ')+1:]
	case "azure key, labelled", "gitlab session":
		return s[strings.IndexByte(s, '=')+1:]
	case "teams webhook":
		return s[strings.LastIndex(s, "k/")+2:]
	case "slack webhook":
		return strings.TrimPrefix(s, "https://hooks.slack.com/services/")
	case "url with a password":
		return s[strings.Index(s, "://")+3 : strings.IndexByte(s, '@')]
	}
	return s
}

// B131
func TestNoEightCharactersOfASecretSurvive(t *testing.T) {
	const values = 200
	for kind, shape := range shapes {
		t.Run(kind, func(t *testing.T) {
			re, err := syntax.Parse(shape, syntax.Perl)
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(131, uint64(len(kind))))
			for range values {
				text := sample(r, re)
				for _, around := range surroundings {
					s := around(text)
					got := redact.Text(s, 2*len(s)+100)
					if piece := survivor(valueOf(kind, text), got); piece != "" {
						t.Fatalf("%q of %q survives:\n%q\n%q", piece, text, s, got)
					}
				}
			}
		})
	}
}

// Every line of the table, with values of its alphabet from the shortest on. B131
func TestEveryFormIsRemoved(t *testing.T) {
	for _, form := range redact.Forms() {
		t.Run(form.Intro, func(t *testing.T) {
			r := rand.New(rand.NewPCG(131, uint64(len(form.Intro))))
			for range 200 {
				value := make([]byte, form.Min+r.IntN(24))
				for i := range value {
					value[i] = form.Alphabet[r.IntN(len(form.Alphabet))]
				}
				if len(value) > 0 {
					value[r.IntN(len(value))] = '7' // some need a digit
				}
				secret := form.Intro + string(value)
				for _, around := range surroundings {
					s := around(secret)
					if piece := survivor(secret, redact.Text(s, 2*len(s)+100)); piece != "" {
						t.Fatalf("%q of %q survives in %q:\n%q", piece, secret, s, redact.Text(s, 2*len(s)+100))
					}
				}
			}
		})
	}
}

// A private key is removed over all its lines, whatever breaks and joins them, and where it was cut off. B131
func TestNothingOfAPrivateKeySurvives(t *testing.T) {
	r := rand.New(rand.NewPCG(131, 7))
	line, err := syntax.Parse(`[A-Za-z0-9+/]{64}`, syntax.Perl)
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		name := []string{"RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"}[r.IntN(5)]
		body := make([]string, 2+r.IntN(6))
		for i := range body {
			body[i] = sample(r, line)
		}
		body[len(body)-1] = body[len(body)-1][:9+r.IntN(50)] + "=="
		begin, last := "-----BEGIN "+name+"-----", "-----END "+name+"-----"
		for _, br := range []string{"\n", "\r\n", " ", `\n`, `\\n`, "\n  ", "\\n\" +\n\"", "=\n"} {
			lines := strings.Join(body, br)
			for _, s := range []string{
				begin + br + lines + br + last,
				`{"key": "` + begin + br + lines + br + last + br + `"}`,
				"the key\n" + begin + br + lines + br + last + "\nis bad",
				begin + br + lines,
				begin + br + lines[:len(lines)-5-r.IntN(20)],
			} {
				got := redact.Text(s, 2*len(s))
				for _, piece := range body {
					if left := survivor(piece, got); left != "" {
						t.Fatalf("%q survives in %q of\n%q", left, got, s)
					}
				}
			}
		}
	}
}
