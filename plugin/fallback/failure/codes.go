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

// meaning is what a provider's code says: a kind where the code is specific, an HTTP status for when none is known.
type meaning struct {
	kind   Kind
	status int
}

// word is what lookup knows of a code.
type word struct {
	meaning
	grpc bool // one of gRPC's names
}

// codes are the providers' machine-readable codes, types and reasons, in the normal form of [normal]. A code that says no
// more than its HTTP status has no kind. Sources:
//
//	Google     https://github.com/googleapis/googleapis/blob/master/google/api/error_reason.proto
//	OpenAI     https://platform.openai.com/docs/guides/error-codes
//	Anthropic  https://docs.anthropic.com/en/api/errors
//	Azure      https://learn.microsoft.com/azure/ai-services/openai/how-to/content-filter
//	Bedrock    https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
//	Groq       https://console.groq.com/docs/errors
var codes = map[string]meaning{
	// Google: google.rpc.ErrorInfo reasons, and Code Assist's own.
	"apikeyinvalid": {KindAuth, 400}, "apikeyexpired": {KindAuth, 400}, "apikeyserviceblocked": {KindAuth, 403},
	"apikeyhttpreferrerblocked": {KindAuth, 403}, "apikeyipaddressblocked": {KindAuth, 403},
	"apikeyandroidappblocked": {KindAuth, 403}, "apikeyiosappblocked": {KindAuth, 403},
	"consumerinvalid": {KindAuth, 403}, "consumersuspended": {KindAuth, 403}, "servicedisabled": {KindAuth, 403},
	"servicenotvisible": {KindAuth, 403}, "resourceprojectinvalid": {KindAuth, 400}, "userprojectdenied": {KindAuth, 403},
	"validationrequired": {KindAuth, 403}, "accountverificationrequired": {KindAuth, 403}, "subscriptionrequired": {KindAuth, 403},
	"tosviolation": {KindAuth, 403}, "iampermissiondenied": {KindAuth, 403}, "authpermissiondenied": {KindAuth, 403},
	"credentialsmissing": {KindAuth, 401}, "accesstokenexpired": {KindAuth, 401}, "accesstokenscopeinsufficient": {KindAuth, 403},
	"accesstokentypeunsupported": {KindAuth, 401}, "accountstateinvalid": {KindAuth, 401}, "securitypolicyviolated": {KindAuth, 403},
	"systemparameterunsupported": {KindInvalid, 400}, "locationpolicyviolated": {KindLocation, 403},
	"billingdisabled": {KindBilling, 403}, "insufficientg1creditsbalance": {KindBilling, 429},
	"quotaexhausted": {KindQuota, 429}, "dailylimitexceeded": {KindQuota, 429}, "quotaexceeded": {KindRateLimit, 429},
	"ratelimitexceeded": {KindRateLimit, 429}, "userratelimitexceeded": {KindRateLimit, 429}, "resourcequotaexceeded": {KindRateLimit, 429},
	"modelcapacityexhausted": {KindCapacity, 503},

	// OpenAI, and the many that speak its format.
	"insufficientquota": {KindBilling, 429}, "billinghardlimitreached": {KindBilling, 400}, "billingnotactive": {KindBilling, 429},
	"insufficientuserquota": {KindBilling, 403}, "insufficientcredits": {KindBilling, 402}, "insufficientbalance": {KindBilling, 402},
	"creditsexhausted": {KindBilling, 402}, "exceededcurrentquotaerror": {KindBilling, 429}, "arrearage": {KindBilling, 400}, "accountoverdueerror": {KindBilling, 403},
	"invalidapikey": {KindAuth, 401}, "incorrectapikey": {KindAuth, 401}, "accountdeactivated": {KindAuth, 401},
	"invalidorganization": {KindAuth, 401}, "accessterminated": {KindAuth, 403}, "authenticationerror": {KindAuth, 401},
	"invalidgrant": {KindAuth, 400}, "invalidclient": {KindAuth, 401}, // RFC 6749, section 5.2
	"invalidauthenticationerror": {KindAuth, 401}, "oauthinvalidtoken": {KindAuth, 401}, "tokenexpired": {KindAuth, 401},
	"modelnotfound": {KindModel, 404}, "modelnotavailable": {KindModel, 404}, "modeldecommissioned": {KindModel, 400}, "modeldeprecated": {KindModel, 404},
	"modelnotsupported": {KindModel, 400}, "invalidmodel": {KindModel, 400}, "unknownmodel": {KindModel, 400}, "deploymentnotfound": {KindModel, 404},
	"unsupportedmodel": {KindModel, 400}, "unavailablemodel": {KindModel, 400}, "unsupportedapiformodel": {KindModel, 400}, "modelpermissiondenied": {KindModel, 403}, "keymodelaccessdenied": {KindModel, 401}, "teammodelaccessdenied": {KindModel, 401}, "operationnotsupported": {KindModel, 400}, "modeltermsrequired": {KindModel, 400},
	// One model's limits: https://platform.openai.com/docs/guides/error-codes
	"unsupportedparameter": {KindUnsupported, 400}, "unsupportedvalue": {KindUnsupported, 400}, "unsupportedparamserror": {KindUnsupported, 400},
	"contextlengthexceeded": {KindContextLength, 400}, "stringabovemaxlength": {KindContextLength, 400}, "contextwindowexceeded": {KindContextLength, 400},
	"tokenslimitreached": {KindContextLength, 413}, "maxtokensexceeded": {KindContextLength, 400}, "modelmaxprompttokensexceeded": {KindContextLength, 400},
	"contextwindowexceedederror": {KindContextLength, 400}, "exceedcontextsizeerror": {KindContextLength, 400}, "modelcontextwindowexceeded": {KindContextLength, 400},
	"requesttoolarge": {KindTooLarge, 413}, "payloadtoolarge": {KindTooLarge, 413}, "requestentitytoolarge": {KindTooLarge, 413},
	"contentpolicyviolation": {KindContent, 400}, "contentfilter": {KindContent, 400}, "contentfiltered": {KindContent, 400},
	"responsibleaipolicyviolation": {KindContent, 400}, "moderationblocked": {KindContent, 400}, "invalidprompt": {KindContent, 400},
	"datainspectionfailed": {KindContent, 400}, "contentpolicyviolationerror": {KindContent, 400}, "cyberpolicyviolation": {KindContent, 400},
	"unsupportedcountryregionterritory": {KindLocation, 403}, "unsupportedregion": {KindLocation, 403},
	"usagelimitreached": {KindQuota, 429}, "usagenotincluded": {KindBilling, 429}, "usagelimitexceeded": {KindQuota, 429},
	"ratelimiterror": {KindRateLimit, 429}, "ratelimited": {KindRateLimit, 429}, "ratelimitreached": {KindRateLimit, 429}, "ratelimitreachederror": {KindRateLimit, 429},
	"rpmratelimitexceeded": {KindRateLimit, 429}, "tpmratelimitexceeded": {KindRateLimit, 429}, "throttlingerror": {KindRateLimit, 429}, "toomanyrequests": {KindRateLimit, 429},
	"slowdown": {KindOverloaded, 503}, "engineoverloaded": {KindOverloaded, 503}, "engineoverloadederror": {KindOverloaded, 503},
	"servererror": {"", 500}, "serviceunavailable": {"", 503}, "serviceunavailableerror": {"", 503}, "internalservererror": {"", 500}, "internalerror": {"", 500},
	"capacityexceeded": {KindCapacity, 498}, "servicetiercapacityexceeded": {KindCapacity, 429}, "budgetexceeded": {KindBilling, 400},
	"badgateway": {"", 502}, "badgatewayerror": {"", 502}, "gatewaytimeout": {"", 504}, "timeout": {"", 504}, "requesttimeout": {"", 408},

	// Anthropic.
	"overloadederror": {KindOverloaded, 529}, "billingerror": {KindBilling, 402}, "apierror": {"", 500}, "timeouterror": {"", 504},
	"invalidrequesterror": {"", 400}, "permissionerror": {"", 403}, "notfounderror": {"", 404}, "badrequesterror": {"", 400},

	// Bedrock.
	"throttlingexception": {KindRateLimit, 429}, "servicequotaexceededexception": {KindQuota, 400}, "modelnotreadyexception": {KindCapacity, 429},
	"modeltimeoutexception": {KindTimeout, 408}, "modelstreamerrorexception": {"", 500}, "modelerrorexception": {"", 500}, "internalserverexception": {"", 500},
	"serviceunavailableexception": {"", 503}, "accessdeniedexception": {"", 403}, "validationexception": {"", 400}, "resourcenotfoundexception": {KindModel, 404},
	"unrecognizedclientexception": {KindAuth, 403}, "expiredtokenexception": {KindAuth, 403}, "invalidsignatureexception": {KindAuth, 403},
}

// precedence orders kinds when several codes speak: what makes a wait pointless comes first.
var precedence = map[Kind]int{
	KindAuth: 9, KindBilling: 8, KindLocation: 7, KindContextLength: 6, KindTooLarge: 6, KindModel: 5, KindContent: 5,
	KindUnsupported: 4,
	KindQuota:       4, KindCapacity: 3, KindRateLimit: 2, KindOverloaded: 1, KindTimeout: 1, KindInvalid: 1,
}

// lookup returns what a code means.
func lookup(code string) (word, bool) {
	var buf [maxCode]byte
	n := normalise(buf[:0], code)
	if status, ok := statusOf[string(n)]; ok {
		return word{meaning{"", status}, true}, true
	}
	m, ok := codes[string(n)]
	return word{m, false}, ok
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
