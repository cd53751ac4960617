package telemetry

import (
	"go.opentelemetry.io/otel/attribute"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// This module's own names begin with "fallback.". Names that begin with "gen_ai." or
// "error." are from the GenAI conventions, version 0.1.0.
// https://github.com/open-telemetry/semantic-conventions-genai
//
// There, one GenAI span covers a call with all its retries: it is the current span of
// the call, ADK's. Spans of attempts therefore have no gen_ai.operation.name and no usage,
// which would be counted twice.

// attributeOf names the attribute of the call's span for each metadata key.
var attributeOf = map[string]attribute.Key{
	call.KeyTriggered:       "fallback.triggered",
	call.KeyOriginalModel:   "fallback.original_model",
	call.KeyFallbackModel:   "fallback.model",
	call.KeyAttempt:         "fallback.attempt",
	call.KeyErrorCode:       "fallback.error_code",
	call.KeyReason:          "fallback.reason",
	call.KeyAttempts:        "fallback.attempts", // the list as JSON
	call.KeyAttemptsDropped: "fallback.attempts_dropped",
	call.KeyAdapted:         "fallback.adapted", // the list as JSON
	call.KeyModelName:       responseModel,
	call.KeyModelVersion:    "fallback.model_version",
	call.KeyCacheStatus:     "fallback.cache_status",
	call.KeyExperimentID:    "fallback.experiment_id",
	call.KeyCohort:          "fallback.cohort",
	call.KeyDegraded:        "fallback.degraded",
	call.KeyUnanswered:      "fallback.unanswered",
	call.KeyNotice:          "fallback.notice",
}

const responseModel = "gen_ai.response.model"

// Attributes of an attempt's span.
const (
	requestModel  = attribute.Key("gen_ai.request.model")
	providerName  = attribute.Key("gen_ai.provider.name")
	finishReasons = attribute.Key("gen_ai.response.finish_reasons")
	firstChunk    = attribute.Key("gen_ai.response.time_to_first_chunk") // seconds, to the first chunk with content
	errorType     = attribute.Key("error.type")                          // HTTP status, the provider's code, or kind of failure

	target   = attribute.Key("fallback.attempt.target")      // the name of the target, which a policy may choose
	number   = attribute.Key("fallback.attempt.number")      // counted over the call, from 1
	waited   = attribute.Key("fallback.attempt.wait_ms")     // before the attempt
	breaker  = attribute.Key("fallback.attempt.breaker")     // its state as it let the attempt through
	outcome  = attribute.Key("fallback.attempt.outcome")     // ok or failed, as in the record
	kind     = attribute.Key("fallback.attempt.kind")        // of a failure
	reason   = attribute.Key("fallback.attempt.reason")      // the rule that judged it
	action   = attribute.Key("fallback.attempt.verdict")     // retry, fallback or fail
	cooldown = attribute.Key("fallback.attempt.cooldown_ms") // how long its scope is left alone
	adapted  = attribute.Key("fallback.attempt.adapted")     // settings omitted from or changed in the request
)

// Names of events of the call's span.
const (
	EventSkip    = "fallback.skip"    // a target was not called: target, by, reason, recovers_ms
	EventRestart = "fallback.restart" // the text shown so far is void
	EventHedge   = "fallback.hedge"   // another model is called beside the first: target
	EventWait    = "fallback.wait"    // before an attempt: target, wait_ms
)

// Attributes of events.
const (
	EventTarget   = attribute.Key("target")
	EventBy       = attribute.Key("by")          // the layer that refused the call: breaker, budget, limit, …
	EventReason   = attribute.Key("reason")      //
	EventRecovers = attribute.Key("recovers_ms") // until the layer lets calls through again
	EventWaited   = attribute.Key("wait_ms")
)

// providers are the convention's names of the providers of an API; "" where a server of
// any provider speaks it.
var providers = map[provider.API]string{
	provider.Gemini: "gcp.gemini", provider.Vertex: "gcp.vertex_ai", provider.Responses: "openai", provider.Anthropic: "anthropic",
}

// hosts are those of the providers whose models are called by chat completions or at
// several hosts: a whole host, or what it begins and ends with.
var hosts = []struct{ begin, end, provider string }{
	{"api.openai.com", "", "openai"},
	{"", ".openai.azure.com", "azure.ai.openai"},
	{"", ".cognitiveservices.azure.com", "azure.ai.openai"},
	{"", ".services.ai.azure.com", "azure.ai.inference"},
	{"api.x.ai", "", "x_ai"},
	{"api.groq.com", "", "groq"},
	{"api.mistral.ai", "", "mistral_ai"},
	{"api.deepseek.com", "", "deepseek"},
	{"api.perplexity.ai", "", "perplexity"},
	{"api.cohere.ai", "", "cohere"},
	{"bedrock-runtime.", ".amazonaws.com", "aws.bedrock"},
}
