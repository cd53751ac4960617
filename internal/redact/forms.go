package redact

// form is a secret that is known by how it begins. Its value is the longest run of bytes of one alphabet behind the introducer.
type form struct {
	intro string // case matters; starts a word, or a part of one behind a mark such as '_'
	of    uint16 // the classes of the value's bytes
	min   uint8  // shortest value, in bytes
}

// Alphabets of values. Masked keys ("sk-abc***xyz") are keys, so every alphabet has '*'.
const (
	alnum = lower | upper | digit | star
	url   = alnum | under | dash          // base64url without padding
	std   = alnum | slash | plus | equals // base64
	any64 = url | std | percent           // both, and escaped in a URL
	dots  = any64 | dot | tilde           // tokens in parts
	block = 0                             // not an alphabet: a PEM block, see blockEnd
)

// forms is sorted by the first byte of the introducer; within one, a longer introducer precedes its own beginning.
//
// Shapes are facts published by others. The source is named at each line:
//
//	gl  gitleaks, config/gitleaks.toml: https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml
//	gh  GitHub's list: https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns
//	v   the vendor's own documentation of its keys
//
// A source gives the full length. The shortest value here is less where the introducer says enough, because messages repeat
// keys cut or masked, and the full length where a word of prose or a name could begin alike.
var forms = [...]form{
	{"-----BEGIN", block, 0},              // gl private-key; RFC 7468
	{"A3-", url, 30},                      // gl 1password-secret-key
	{"A3T", alnum, 16},                    // gl aws-access-token
	{"AAAAAAAAAAAAAAAAAAAAAA", any64, 60}, // gl twitter-bearer-token
	{"ABIA", alnum, 16},                   // gl aws-access-token
	{"ACCA", alnum, 16},                   // gl aws-access-token
	{"AGE-SECRET-KEY-", url, 8},           // gl age-secret-key
	{"AIDA", alnum, 16},                   // v AWS, unique identifiers of IAM
	{"AIza", url, 8},                      // gl gcp-api-key
	{"AKCp", alnum, 40},                   // gl artifactory-api-key
	{"AKIA", alnum, 16},                   // gl aws-access-token
	{"API-", alnum, 26},                   // gl octopus-deploy-api-key
	{"AQ.", url, 9},                       // v Google, keys of Vertex AI express mode
	{"AQVN", url, 35},                     // gl yandex-api-key
	{"AROA", alnum, 16},                   // v AWS, unique identifiers of IAM
	{"ASIA", alnum, 16},                   // gl aws-access-token
	{"ATATT3", any64, 8},                  // gl atlassian-api-token
	{"ATBB", any64, 24},                   // gh bitbucket app password
	{"ATCTT3", any64, 8},                  // gh bitbucket repository token
	{"ATTA", alnum, 32},                   // gh trello
	{"CLOJARS_", alnum, 20},               // gl clojars-api-token
	{"EAA", alnum, 60},                    // gl facebook-page-access-token
	{"EAAA", url, 40},                     // gl square-access-token
	{"EZAK", alnum, 40},                   // gl easypost-api-token
	{"EZTK", alnum, 40},                   // gl easypost-test-api-token
	{"FLWPUBK", url, 12},                  // gl flutterwave-public-key
	{"FLWSECK", url, 12},                  // gl flutterwave-secret-key
	{"GOCSPX-", url, 8},                   // gh google oauth client secret
	{"GR1348941", url, 8},                 // gl gitlab-rrt
	{"HRKU-", url, 20},                    // gl heroku-api-key-v2
	{"LTAI", alnum, 12},                   // gl alibaba-access-key-id
	{"NRAK-", alnum, 12},                  // gl new-relic-user-api-key
	{"NRII-", url, 12},                    // gl new-relic-insert-key
	{"NRJS-", alnum, 12},                  // gl new-relic-browser-api-token
	{"PMAK-", url, 12},                    // gl postman-api-token
	{"SG.", dots, 40},                     // gl sendgrid-api-token
	{"SK", hexa, 32},                      // gl twilio-api-key
	{"YC", url, 38},                       // gl yandex-aws-access-token
	{"ZXlK", any64, 40},                   // gl jwt-base64
	{"access-development-", url, 30},      // gl plaid-api-token
	{"access-production-", url, 30},       // gl plaid-api-token
	{"access-sandbox-", url, 30},          // gl plaid-api-token
	{"api_org_", alnum, 20},               // gl huggingface-organization-api-token
	{"atlasv1.", dots, 20},                // gl hashicorp-tf-api-token
	{"authress_", dots | needsDigit, 56},  // gl authress-service-client-access-key
	{"cmVmd", alnum, 40},                  // gl artifactory-reference-token
	{"csk-", alnum, 16},                   // v Cerebras
	{"dapi", hexa, 16},                    // gl databricks-api-token
	{"dckr_oat_", url, 8},                 // gh docker organization access token
	{"dckr_pat_", url, 8},                 // gh docker personal access token
	{"dnkey-", any64, 20},                 // gl defined-networking-api-token
	{"doo_v1_", alnum, 8},                 // gl digitalocean-access-token
	{"dop_v1_", alnum, 8},                 // gl digitalocean-pat
	{"dor_v1_", alnum, 8},                 // gl digitalocean-refresh-token
	{"dp.pt.", alnum, 8},                  // gl doppler-api-token; more kinds below: v Doppler
	{"dp.ct.", alnum, 8},                  // v Doppler
	{"dp.sa.", alnum, 8},                  // v Doppler
	{"dp.scim.", alnum, 8},                // v Doppler
	{"dp.st.", dots, 20},                  // v Doppler
	{"dt0c01.", dots, 8},                  // gl dynatrace-api-token
	{"dt0s", dots, 24},                    // v Dynatrace, OAuth clients and platform tokens
	{"duffel_live_", any64, 8},            // gl duffel-api-token
	{"duffel_test_", any64, 8},            // gl duffel-api-token
	{"essu_", any64, 8},                   // gh elastic cloud api key
	{"ext_", dots | needsDigit, 56},       // gl authress-service-client-access-key
	{"eyJ", dots, 17},                     // gl jwt, grafana-api-key
	{"fio-u-", any64, 12},                 // gl frameio-api-token
	{"fm1a_", std, 20},                    // gl flyio-access-token
	{"fm1r_", std, 20},                    // gl flyio-access-token
	{"fm2_", std, 20},                     // gl flyio-access-token
	{"fo1_", url, 30},                     // gl flyio-access-token
	{"fw_", alnum, 16},                    // v Fireworks AI
	{"ghe_", alnum, 16},                   // gh, the same shape as ghp_
	{"gho_", alnum, 16},                   // gl github-oauth
	{"ghp_", alnum, 16},                   // gl github-pat
	{"ghr_", alnum, 16},                   // gl github-refresh-token
	{"ghs_", alnum, 16},                   // gl github-app-token
	{"ghu_", alnum, 16},                   // gl github-app-token
	{"github_pat_", url, 8},               // gl github-fine-grained-pat
	{"glagent-", dots, 12},                // gl gitlab-kubernetes-agent-token
	{"glc_", std, 24},                     // gl grafana-cloud-api-token
	{"glcbt-", dots, 12},                  // gl gitlab-cicd-job-token
	{"gldt-", dots, 12},                   // gl gitlab-deploy-token
	{"glffct-", dots, 12},                 // gl gitlab-feature-flag-client-token
	{"glft-", dots, 12},                   // gl gitlab-feed-token
	{"glimt-", dots, 12},                  // gl gitlab-incoming-mail-token
	{"gloas-", dots, 12},                  // gl gitlab-oauth-app-secret
	{"glpat-", dots, 8},                   // gl gitlab-pat, gitlab-pat-routable
	{"glptt-", dots, 12},                  // gl gitlab-ptt
	{"glrt-", dots, 12},                   // gl gitlab-runner-authentication-token
	{"glrtr-", dots, 12},                  // v GitLab, token prefixes
	{"glsa_", url, 12},                    // gl grafana-service-account-token
	{"glsoat-", dots, 12},                 // gl gitlab-scim-token
	{"glwt-", dots, 12},                   // v GitLab, token prefixes
	{"gsk_", alnum, 8},                    // gh groq
	{"hf_", alnum, 9},                     // gl huggingface-access-token
	{"hooks.slack.com", std, 30},          // gl slack-webhook-url
	{"hvb.", url, 20},                     // gl vault-batch-token
	{"hvs.", url, 20},                     // gl vault-service-token
	{"ico-", alnum, 32},                   // gl infracost-api-token
	{"jina_", url, 16},                    // v Jina AI
	{"key-", hexa, 16},                    // gl mailgun-private-api-token
	{"lin_api_", alnum, 8},                // gl linear-api-key
	{"lin_oauth_", alnum, 8},              // gh linear
	{"live_", any64, 35},                  // gl gocardless-api-token, lob-api-key
	{"lsv2_", url, 16},                    // gh langchain
	{"npm_", alnum, 16},                   // gl npm-access-token
	{"ntn_", alnum, 30},                   // gl notion-api-token
	{"nvapi-", url, 6},                    // gh nvidia
	{"ops_eyJ", any64, 12},                // gl 1password-service-account-token
	{"org-", alnum | needsDigit, 4},       // v OpenAI, organisation
	{"org_", alnum | needsDigit, 4},       // v Groq, organisation
	{"p8e-", alnum, 20},                   // gl adobe-client-secret
	{"pat.", dots, 50},                    // gl harness-api-key
	{"pk-", alnum, 16},                    // v OpenAI, publishable
	{"pk-lf-", url, 16},                   // gh langfuse
	{"pk.eyJ", dots, 12},                  // gl mapbox-api-token
	{"pk_live_", alnum, 8},                // gh stripe
	{"pk_test_", alnum, 8},                // gh stripe
	{"pnu_", alnum, 20},                   // gl prefect-api-token
	{"pplx-", url, 7},                     // gl perplexity-api-key
	{"private-", alnum | needsDigit, 20},  // gh elastic app search
	{"proj_", alnum | needsDigit, 4},      // v OpenAI, project
	{"pscale_oauth_", dots, 8},            // gl planetscale-oauth-token
	{"pscale_pw_", dots, 8},               // gl planetscale-password
	{"pscale_tkn_", dots, 8},              // gl planetscale-api-token
	{"pubkey-", hexa, 16},                 // gl mailgun-pub-key
	{"pul-", hexa, 20},                    // gl pulumi-api-token
	{"pypi-", url, 32},                    // gl pypi-upload-token
	{"r8_", alnum, 9},                     // gh replicate
	{"rdme_", alnum, 20},                  // gl readme-api-token
	{"rk_live_", alnum, 8},                // gl stripe-access-token
	{"rk_prod_", alnum, 8},                // gl stripe-access-token
	{"rk_test_", alnum, 8},                // gl stripe-access-token
	{"rubygems_", hexa, 16},               // gl rubygems-api-token
	{"s-s4t2af-", hexa, 16},               // gl intra42-client-secret
	{"s-s4t2ud-", hexa, 16},               // gl intra42-client-secret
	{"s.", alnum | needsDigit, 24},        // gl vault-service-token
	{"sat.", dots, 50},                    // gl harness-api-key
	{"sc_", dots | needsDigit, 56},        // gl authress-service-client-access-key
	{"scauth_", dots | needsDigit, 56},    // gl authress-service-client-access-key
	{"search-", alnum | needsDigit, 20},   // gh elastic app search
	{"secret_", alnum, 32},                // gh notion
	{"sgp_", url, 32},                     // gl sourcegraph-access-token
	{"sha256~", url, 20},                  // gl openshift-user-token
	{"shippo_live_", alnum, 8},            // gl shippo-api-token
	{"shippo_test_", alnum, 8},            // gl shippo-api-token
	{"shpat_", alnum, 8},                  // gl shopify-access-token
	{"shpca_", alnum, 8},                  // gl shopify-custom-access-token
	{"shppa_", alnum, 8},                  // gl shopify-private-app-access-token
	{"shpss_", alnum, 8},                  // gl shopify-shared-secret
	{"sk-", url, 9},                       // gl openai-api-key, anthropic-api-key; v DeepSeek, OpenRouter, Moonshot
	{"sk_live_", alnum, 8},                // gl stripe-access-token
	{"sk_prod_", alnum, 8},                // gl stripe-access-token
	{"sk_test_", alnum, 8},                // gl stripe-access-token
	{"sk_", alnum, 16},                    // v ElevenLabs; gl freemius-secret-key
	{"sl.", any64, 60},                    // gl dropbox-short-lived-api-token
	{"sm_aat_", alnum, 8},                 // gl settlemint-application-access-token
	{"sm_pat_", alnum, 8},                 // gl settlemint-personal-access-token
	{"sm_sat_", alnum, 8},                 // gl settlemint-service-access-token
	{"sntrys_", dots, 20},                 // gl sentry-org-token
	{"sntryu_", alnum, 16},                // gl sentry-user-token
	{"sq0atp-", url, 12},                  // gl square-access-token
	{"sq0csp-", url, 12},                  // gh square
	{"t1.", dots, 60},                     // gl yandex-access-token
	{"test_pub_", hexa, 16},               // gl lob-pub-api-key
	{"tfp_", dots, 30},                    // gl typeform-api-token
	{"tgp_v1_", url, 12},                  // v Together AI
	{"tk-us-", url, 40},                   // gl scalingo-api-token
	{"v1.0-", url, 60},                    // gl cloudflare-origin-ca-key
	{"xai-", url, 8},                      // gh xai
	{"xapp-", url, 12},                    // gl slack-app-token
	{"xkeysib-", url, 16},                 // gl sendinblue-api-token
	{"xoxa-", url, 8},                     // gl slack-legacy-workspace-token
	{"xoxb-", url, 8},                     // gl slack-bot-token
	{"xoxe-", url, 8},                     // gl slack-config-refresh-token
	{"xoxe.xox", url, 8},                  // gl slack-config-access-token
	{"xoxo-", url, 8},                     // gl slack-legacy-token
	{"xoxp-", url, 8},                     // gl slack-user-token
	{"xoxr-", url, 8},                     // gl slack-legacy-workspace-token
	{"xoxs-", url, 8},                     // gl slack-legacy-token
	{"ya29.", dots, 7},                    // gh google oauth access token
}
