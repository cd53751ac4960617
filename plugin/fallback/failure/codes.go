package failure

import "strings"

// statusOf maps gRPC codes to HTTP (https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto), by name
// in the normal form of [normal].
var statusOf = map[string]int{
	"cancelled": 499, "canceled": 499, "unknown": 500, "invalidargument": 400, "deadlineexceeded": 504, "notfound": 404,
	"alreadyexists": 409, "permissiondenied": 403, "resourceexhausted": 429, "failedprecondition": 400, "aborted": 409,
	"outofrange": 400, "unimplemented": 501, "internal": 500, "unavailable": 503, "dataloss": 500, "unauthenticated": 401,
}

// grpcNames lists gRPC's code names by number.
var grpcNames = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
	"DATA_LOSS", "UNAUTHENTICATED",
}

// statusName returns the gRPC name that Google's APIs give an HTTP status, "" for none.
func statusName(status int) string {
	switch status {
	case 400:
		return "INVALID_ARGUMENT"
	case 401:
		return "UNAUTHENTICATED"
	case 403:
		return "PERMISSION_DENIED"
	case 404:
		return "NOT_FOUND"
	case 409:
		return "ABORTED"
	case 429:
		return "RESOURCE_EXHAUSTED"
	case 499:
		return "CANCELLED"
	case 500:
		return "INTERNAL"
	case 501:
		return "UNIMPLEMENTED"
	case 503:
		return "UNAVAILABLE"
	case 504:
		return "DEADLINE_EXCEEDED"
	}
	return ""
}

// meaning is the meaning of a code: a kind if the code is specific, and an HTTP status for errors without one.
type meaning struct {
	kind   Kind
	status int
}

// word is an entry of the table of codes.
type word struct {
	meaning
	grpc bool // one of gRPC's names
}

// vocabulary is the providers' machine-readable codes, types and reasons, separated by spaces, each as the vendor
// writes it ([normal] makes one form of them); [vendors] has the pages that document them. A code that says no more than
// its HTTP status has no kind. Numbers are codes of their vendors too; the prefix "cf" marks those of Cloudflare's
// envelope, and "mm" some of MiniMax's, because other vendors give them another meaning.
//
// docs/errors.md lists this table.
var vocabulary = []struct {
	of     vendor
	kind   Kind
	status int
	codes  string
}{
	// google.rpc.ErrorInfo reasons, and Code Assist's own.
	{google, KindAuth, 400, "API_KEY_INVALID API_KEY_EXPIRED RESOURCE_PROJECT_INVALID"},
	{google, KindAuth, 401, "CREDENTIALS_MISSING ACCESS_TOKEN_EXPIRED ACCESS_TOKEN_TYPE_UNSUPPORTED ACCOUNT_STATE_INVALID"},
	{google, KindAuth, 403, "API_KEY_SERVICE_BLOCKED API_KEY_HTTP_REFERRER_BLOCKED API_KEY_IP_ADDRESS_BLOCKED API_KEY_ANDROID_APP_BLOCKED " +
		"API_KEY_IOS_APP_BLOCKED CONSUMER_INVALID CONSUMER_SUSPENDED SERVICE_DISABLED SERVICE_NOT_VISIBLE USER_PROJECT_DENIED VALIDATION_REQUIRED " +
		"ACCOUNT_VERIFICATION_REQUIRED SUBSCRIPTION_REQUIRED TOS_VIOLATION IAM_PERMISSION_DENIED AUTH_PERMISSION_DENIED " +
		"ACCESS_TOKEN_SCOPE_INSUFFICIENT SECURITY_POLICY_VIOLATED"},
	{google, KindInvalid, 400, "SYSTEM_PARAMETER_UNSUPPORTED"},
	{google, KindLocation, 403, "LOCATION_POLICY_VIOLATED"},
	{google, KindBilling, 403, "BILLING_DISABLED"},
	{google, KindBilling, 429, "INSUFFICIENT_G1_CREDITS_BALANCE"},
	{google, KindQuota, 429, "QUOTA_EXHAUSTED dailyLimitExceeded"},
	{google, KindRateLimit, 429, "quotaExceeded RATE_LIMIT_EXCEEDED userRateLimitExceeded RESOURCE_QUOTA_EXCEEDED"},
	{google, KindCapacity, 503, "MODEL_CAPACITY_EXHAUSTED"},

	// OpenAI, and the many that speak its format.
	{openai, KindBilling, 429, "insufficient_quota billing_not_active"},
	{openai, KindBilling, 400, "billing_hard_limit_reached"},
	{openai, KindAuth, 401, "invalid_api_key incorrect_api_key account_deactivated invalid_organization authentication_error"},
	{openai, KindModel, 404, "model_not_found model_not_available model_deprecated"},
	{openai, KindModel, 400, "invalid_model unknown_model unsupported_model operation_not_supported"},
	{openai, KindUnsupported, 400, "unsupported_parameter unsupported_value"},
	{openai, KindContextLength, 400, "context_length_exceeded"},
	{openai, KindContent, 400, "content_policy_violation invalid_prompt moderation_blocked cyber_policy_violation"},
	{openai, KindLocation, 403, "unsupported_country_region_territory"},
	{openai, KindOverloaded, 503, "slow_down engine_overloaded server_is_overloaded"},
	{openai, "", 500, "server_error internal_error"},
	{openai, "", 400, "invalid_request_error bad_request_error"},
	{codex, KindQuota, 429, "usage_limit_reached"},
	{codex, KindBilling, 429, "usage_not_included"},

	{azure, KindContent, 400, "content_filter content_filtered ResponsibleAIPolicyViolation"},
	{azure, KindModel, 404, "DeploymentNotFound"},
	{azure, KindCapacity, 429, "no_capacity"},
	{azure, KindModel, 400, "unavailable_model"}, // GitHub Models, on the same servers
	{azure, KindContextLength, 413, "tokens_limit_reached"},

	{anthropic, KindOverloaded, 529, "overloaded_error"},
	{anthropic, KindBilling, 402, "billing_error"},
	{anthropic, KindBilling, 429, "enforced_spend_limit_reached contract_spend_limit_reached"},
	{anthropic, KindRateLimit, 429, "rate_limit_error ramp_limit_exceeded"},
	{anthropic, KindAuth, 400, "organization_on_hold"},
	{anthropic, KindTooLarge, 413, "request_too_large image_dimensions_too_large"},
	{anthropic, "", 500, "api_error"},
	{anthropic, "", 504, "timeout_error"},
	{anthropic, "", 403, "permission_error"},
	{anthropic, "", 404, "not_found_error"},
	{anthropic, KindContextLength, 400, "model_context_window_exceeded"},

	// Bedrock. Where AWS puts the type of a fault, it stands above the HTTP status: see [evidence.fault].
	{bedrock, KindRateLimit, 429, "ThrottlingException TooManyRequestsException"},
	{bedrock, KindQuota, 400, "ServiceQuotaExceededException"},
	{bedrock, KindCapacity, 429, "ModelNotReadyException"},
	{bedrock, KindTimeout, 408, "ModelTimeoutException"},
	{bedrock, "", 500, "ModelStreamErrorException ModelErrorException InternalServerException InternalFailure"},
	{bedrock, "", 503, "ServiceUnavailableException"},
	{bedrock, "", 403, "AccessDeniedException"},
	{bedrock, "", 400, "ValidationException"},
	{bedrock, KindModel, 404, "ResourceNotFoundException"},
	{bedrock, KindAuth, 403, "UnrecognizedClientException ExpiredTokenException InvalidSignatureException"},

	{groq, KindMalformed, 400, "tool_use_failed json_validate_failed output_parse_failed"},
	{groq, KindModel, 400, "model_decommissioned model_not_supported model_terms_required"},
	{groq, KindModel, 403, "model_permission_blocked_org model_permission_blocked_project"},
	{groq, KindBilling, 400, "blocked_api_access"}, // the spend limit of the project
	{mistral, KindRateLimit, 429, "rate_limited"},
	{mistral, KindCapacity, 429, "service_tier_capacity_exceeded 3505"},
	{mistral, KindCapacity, 498, "capacity_exceeded"},
	{cerebras, KindRateLimit, 429, "too_many_requests_error"},
	{cerebras, KindOverloaded, 429, "queue_exceeded"},
	{nvidia, KindAuth, 403, "access_terminated"},

	{moonshot, KindBilling, 429, "exceeded_current_quota_error"},
	{moonshot, KindAuth, 401, "invalid_authentication_error incorrect_api_key_error"},
	{moonshot, KindRateLimit, 429, "rate_limit_reached_error"},
	{moonshot, KindOverloaded, 503, "engine_overloaded_error"},
	{moonshot, KindModel, 404, "resource_not_found_error"},
	{glm, KindBilling, 429, "1113 1309"},
	{glm, KindAuth, 401, "1112 1121"},
	{glm, KindModel, 404, "1211 1311"},
	{glm, KindUnsupported, 400, "1212"},
	{glm, KindContextLength, 400, "1261"},
	{glm, KindContent, 400, "1301"},
	{glm, KindRateLimit, 429, "1302 1303 1305"},
	{glm, KindQuota, 429, "1304 1308 1310 1313 1316"},
	{glm, KindOverloaded, 429, "1312"},
	{dashscope, KindBilling, 400, "Arrearage"},
	{dashscope, KindBilling, 403, "AllocationQuota.FreeTierOnly AccessDenied.Unpurchased"},
	{dashscope, KindBilling, 429, "CommodityNotPurchased PrepaidBillOverdue PostpaidBillOverdue"},
	{dashscope, KindModel, 403, "Model.AccessDenied"},
	{dashscope, KindContent, 400, "data_inspection_failed"},
	{dashscope, KindRateLimit, 429, "Throttling Throttling.RateQuota Throttling.AllocationQuota Throttling.BurstRate"},
	{doubao, KindBilling, 403, "AccountOverdueError"},
	{doubao, KindQuota, 429, "AccountQuotaExceeded SetLimitExceeded"},
	{doubao, KindModel, 404, "ModelNotOpen InvalidEndpointOrModel.NotFound InvalidEndpoint.NotFound InvalidEndpoint.ClosedEndpoint"},
	{doubao, KindContent, 400, "InputTextRiskDetection OutputTextRiskDetection InputImageRiskDetection OutputImageRiskDetection SensitiveContentDetected"},
	{doubao, KindOverloaded, 429, "ServerOverloaded"},
	{minimax, KindBilling, 429, "1008 insufficient_balance_error"},
	{minimax, KindRateLimit, 429, "1039 1041 2045"},
	{minimax, KindContent, 400, "1026 1027"},
	{minimax, KindAuth, 401, "2049"},
	{minimax, KindQuota, 429, "2056"},
	{minimax, KindRateLimit, 429, "mm1002"},
	{minimax, KindAuth, 401, "mm1004"},
	{minimax, KindTimeout, 504, "mm1001"},
	{minimax, "", 500, "mm1000 mm1013 mm1024 mm1033"},
	{minimax, "", 400, "mm2013"},
	{baidu, KindContextLength, 400, "characters_too_long tokens_too_long"},
	{siliconflow, KindContextLength, 400, "max_seq_len"},

	{openrouter, KindBilling, 402, "insufficient_credits credits_exhausted"},
	{copilot, KindModel, 400, "unsupported_api_for_model model_permission_denied"},
	{copilot, KindContextLength, 400, "model_max_prompt_tokens_exceeded"},
	{copilot, KindRateLimit, 429, "user_model_rate_limited user_global_rate_limited integration_rate_limited"},
	{copilot, KindQuota, 429, "user_weekly_rate_limited quota_exceeded_monthly"},
	{litellm, KindModel, 401, "key_model_access_denied team_model_access_denied"},
	{litellm, KindModel, 403, "user_model_access_denied org_model_access_denied"},
	{litellm, KindBilling, 400, "budget_exceeded"},
	{litellm, KindContextLength, 400, "ContextWindowExceededError context_window_exceeded"},
	{litellm, KindUnsupported, 400, "UnsupportedParamsError"},
	{litellm, KindContent, 400, "ContentPolicyViolationError"},
	{litellm, KindRateLimit, 429, "throttling_error"},
	{oneapi, KindBilling, 403, "insufficient_user_quota"},
	{oneapi, KindBilling, 402, "insufficient_balance pre_consume_token_quota_failed"},
	{cloudflare, KindServer, 502, "cf2005"},
	{cloudflare, KindRateLimit, 429, "cf2003"},
	{cloudflare, KindAuth, 401, "cf2009 cf3023"},
	{cloudflare, KindContent, 400, "cf2016 cf2017"},
	{cloudflare, KindTooLarge, 413, "cf3006"},
	{cloudflare, KindTimeout, 408, "cf3007 cf3008"},
	{cloudflare, KindQuota, 429, "cf3036"},
	{cloudflare, KindCapacity, 429, "cf3040"},
	{cloudflare, KindModel, 404, "cf3041 cf3042 cf5007 cf5016 cf5018"},

	{llamacpp, KindContextLength, 400, "exceed_context_size_error n_ctx n_keep"},
	{oauth, KindAuth, 400, "invalid_grant"},
	{oauth, KindAuth, 401, "invalid_client oauth_invalid_token token_expired"},

	// Words that several give the same meaning.
	{anyone, KindUnsupported, 400, "unsupported_feature"},
	{anyone, KindContextLength, 400, "max_tokens_exceeded"},
	{anyone, KindTooLarge, 413, "payload_too_large request_entity_too_large message_length_exceeds_limit"},
	{anyone, KindLocation, 403, "unsupported_region"},
	{anyone, KindQuota, 429, "usage_limit_exceeded free_quota_exceeded"},
	{anyone, KindRateLimit, 429, "rate_limit_reached rpm_rate_limit_exceeded tpm_rate_limit_exceeded too_many_requests"},
	{anyone, KindEmpty, 500, "MODEL_RETURNED_NO_CONTENT no_content_generated empty_response"},
	{anyone, "", 500, "internal_server_error"},
	{anyone, "", 502, "bad_gateway bad_gateway_error"},
	{anyone, "", 503, "service_unavailable service_unavailable_error"},
	{anyone, "", 504, "gateway_timeout timeout"},
	{anyone, "", 408, "request_timeout"},
}

// codes is the vocabulary by code, in normal form.
var codes = codesOf()

func codesOf() map[string]meaning {
	all := make(map[string]meaning, 512)
	for _, row := range vocabulary {
		for code := range strings.FieldsSeq(row.codes) {
			all[normal(code)] = meaning{row.kind, row.status}
		}
	}
	return all
}

// precedence orders kinds when an error has several codes: kinds that make a wait pointless come first.
var precedence = map[Kind]int{
	KindAuth: 9, KindBilling: 8, KindLocation: 7, KindContextLength: 6, KindTooLarge: 6, KindModel: 5, KindContent: 5,
	KindMalformed: 5, KindUnsupported: 4,
	KindQuota: 4, KindCapacity: 3, KindEmpty: 3, KindRateLimit: 2, KindOverloaded: 1, KindTimeout: 1, KindInvalid: 1, KindServer: 1,
}

// lookup returns the meaning of a code.
func lookup(code string) (word, bool) {
	var buf [maxCode]byte
	n := normalise(buf[:0], code)
	if status, ok := statusOf[string(n)]; ok {
		return word{meaning{"", status}, true}, true
	}
	m, ok := codes[string(n)]
	return word{m, false}, ok
}

// isCode reports whether a word is in the table of codes.
func isCode(w string) bool {
	_, ok := lookup(w)
	return ok
}

// maxCode bounds what is compared of a code, in bytes; no code of the tables is longer.
const maxCode = 40

// normal brings a code to the form of the tables: lower case, without the marks that providers put differently
// (RATE_LIMIT_EXCEEDED, rate_limit_exceeded, rateLimitExceeded), without a namespace.
func normal(code string) string {
	return string(normalise(make([]byte, 0, maxCode), code))
}

func normalise(b []byte, code string) []byte {
	if _, after, found := strings.Cut(code, "#"); found {
		code = after
	}
	code, _, _ = strings.Cut(code, ":")
	for i := 0; i < len(code) && len(b) < cap(b); i++ {
		switch c := code[i]; {
		case c >= 'A' && c <= 'Z':
			b = append(b, c|0x20)
		case c != '_' && c != '-' && c != '.':
			b = append(b, c)
		}
	}
	return b
}
