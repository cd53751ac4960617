// Package hints has advice on what people write by mistake in their first policy file: words of provider
// SDKs, and of the configurations of LiteLLM, OpenRouter, Portkey and Envoy AI Gateway.
package hints

import "github.com/adk-fallback/adk-fallback/internal/strictyaml"

// All is the advice of the format.
var All = strictyaml.Hints{
	"*": {
		"apikey": byVariable, "openaiapikey": byVariable, "apitoken": byVariable, "accesstoken": byVariable, "authtoken": byVariable,
		"virtualkey": byVariable, "secretkey": byVariable,
		"enabled":       "a section in the file is enabled; remove this key, or the section to disable it",
		"onstatuscodes": onStatus, "statuscodes": onStatus, "retryonstatuscodes": onStatus, "retryon": onStatus, "fallbackon": onStatus,
		"weight": byShare, "weights": byShare, "loadbalance": byShare,
	},
	"": {
		"a list": "name the first model in primary and the others in fallbacks",
		"model":  asPrimary, "modelname": asPrimary, "default": asPrimary, "defaultmodel": asPrimary, "main": asPrimary,
		"fallbackmodel": asFallbacks, "fallbackmodels": asFallbacks, "backup": asFallbacks, "backups": asFallbacks, "defaultfallbacks": asFallbacks,
		"contextwindowfallbacks": "name these models in fallbacks; a request that is too long for a model goes to the next one",
		"contentpolicyfallbacks": "name these models in fallbacks, and set errors.content_policy: fallback",
		"modellist":              asChain, "targets": asChain, "strategy": asChain, "route": asChain, "routes": asChain, "backends": asChain,
		"routingstrategy": byShare,
		"routersettings":  asSections, "litellmsettings": asSections, "generalsettings": asSections,
		"retries": asRetry, "numretries": asRetry, "maxretries": asRetry, "retrypolicy": asRetry,
		"requesttimeout": "set timeouts.attempt", "streamtimeout": "set stream.first_content",
		"allowedfails": "set circuit_breaker.failure_threshold", "cooldown": "set circuit_breaker.backoff", "cooldowntime": "set circuit_breaker.backoff",
		"rpm": "set rate_limits.requests_per_minute", "tpm": "set rate_limits.tokens_per_minute", "maxparallelrequests": "set rate_limits.concurrency",
		"maxbudget": "set budgets.usd_per_day", "budgetduration": "a budget is per day; set budgets.usd_per_day",
		"redis": asState, "redisurl": asState, "redishost": asState,
		"apiversion": notKubernetes, "kind": notKubernetes, "spec": notKubernetes,
		"traffic": aScenario, "events": aScenario, "rps": aScenario,
		"addr": ofServe, "listen": ofServe, "port": ofServe, "masterkey": ofServe, "keys": ofServe,
	},
	"primary":           {"a mapping": "write the model's name alone; its settings belong in models.NAME", "a list": "name one model; the others belong in fallbacks"},
	"fallbacks[]":       {"model": "write name", "modelname": "write name", "target": "write name", "when": "write condition", "if": "write condition", "retries": asRetry, "maxretries": asRetry, "numretries": asRetry},
	"models":            {"a list": "name the models in primary and fallbacks; models has their settings by name, such as gpt-5.2: {context_window: 400000}"},
	"models.*":          ofModel,
	"models.*.provider": servers,
	"models.*.config": {
		"maxtokens": "write max_output_tokens", "maxcompletiontokens": "write max_output_tokens", "stop": "write stop_sequences",
		"reasoningeffort": "write thinking_level", "systemprompt": "write system", "systeminstruction": "write system", "instructions": "write system",
	},
	"models.*.price":       {"inputcostpertoken": perMillion, "outputcostpertoken": perMillion, "inputcost": perMillion, "outputcost": perMillion, "prompt": perMillion, "completion": perMillion},
	"models.*.rate_limits": ofLimits,
	"rate_limits":          ofLimits,
	"timeouts": {
		"request": "write attempt", "call": "write attempt", "overall": "write total", "deadline": "write total",
		"firsttoken": "set stream.first_content", "ttft": "set stream.first_content",
	},
	"circuit_breaker": {
		"threshold": "write failure_threshold", "failures": "write failure_threshold", "maxfailures": "write failure_threshold", "allowedfails": "write failure_threshold",
		"timeout": "write backoff", "resettimeout": "write backoff", "cooldown": "write backoff", "cooldowntime": "write backoff", "openfor": "write backoff", "cooldowninterval": "write backoff",
		"successthreshold": "write successes_to_close", "interval": "write window", "errorrate": "write failure_ratio", "failurethresholdpercentage": "write failure_ratio",
	},
	"retry": {
		"attempts": attempts, "maxretries": attempts, "numretries": attempts, "retries": attempts,
		"delay": "write base_delay", "initialdelay": "write base_delay", "backoff": "write base_delay", "maxbackoff": "write max_delay",
		"multiplier": "the delay doubles with each attempt; remove this key", "jitter": "the delay always has jitter; remove this key",
	},
	"errors":  {"statuscodes": "write codes", "onstatuscodes": "write codes", "status": "write codes", "kinds": "write codes"},
	"cache":   {"maxage": "write ttl", "maxsize": "write max_bytes", "mode": equalOnly, "type": equalOnly, "similaritythreshold": equalOnly},
	"budgets": {"maxbudget": "write usd_per_day", "daily": "write usd_per_day", "usd": "write usd_per_day", "limit": "write usd_per_day", "budgetduration": "a budget is per day; write usd_per_day"},
	"hedge":   {"after": "write delay", "model": "write target"},
	"state":   {"redis": "write url", "redisurl": "write url", "host": "write url", "password": "put the URL with the password into an environment variable, and the variable's name into url_env"},
}

// Advice that several words share.
const (
	byVariable    = "a policy file contains no API keys; put the key into an environment variable, and the variable's name into models.NAME.credential_env"
	asPrimary     = "name the first model in primary"
	asFallbacks   = "list the models in fallbacks, such as - name: gpt-5.2"
	asChain       = "name the first model in primary and the others in fallbacks; their settings belong in models"
	asSections    = "its settings are sections at the top level of a policy file: timeouts, retry, circuit_breaker, errors, cache"
	asRetry       = "set retry.max_attempts, which counts the first attempt"
	attempts      = "write max_attempts, which counts the first attempt"
	onStatus      = "set errors.codes, such as [429, 503, timeout]"
	byShare       = "to split users between models, use experiments"
	asState       = "set state to the URL of the Redis server"
	perMillion    = "write input and output, in dollars per million tokens"
	equalOnly     = "the cache answers only equal requests; remove this key"
	notKubernetes = "a policy file is not a Kubernetes resource; name the first model in primary"
	ofServe       = "a gateway's address and API keys are flags of adk-fallback serve: --addr and --keys"
	aScenario     = "it belongs in a scenario file; name that file in adk-fallback simulate --scenario"
	onlyInGo      = "a policy file cannot set it; create the model in the application, such as with openai.New, and supply it from there"
)

var ofModel = map[string]string{
	"key": byVariable, "token": byVariable, "credential": byVariable, "credentials": byVariable,
	"env": "write credential_env", "envvar": "write credential_env", "keyenv": "write credential_env", "apikeyenv": "write credential_env", "apikeyname": "write credential_env",
	"url": "write base_url", "apibase": "write base_url", "endpoint": "write base_url", "host": "write base_url", "address": "write base_url", "uri": "write base_url",
	"model": "write id", "modelname": "write id", "modelid": "write id", "name": "write id", "deployment": "write id", "deploymentname": "write id",
	"customllmprovider": "write provider", "vendor": "write provider", "type": "write provider", "location": "write region",
	"maxtokens": "set config.max_output_tokens", "maxcompletiontokens": "set config.max_output_tokens", "temperature": "set config.temperature", "topp": "set config.top_p",
	"maxinputtokens": "write context_window", "contextlength": "write context_window", "maxcontext": "write context_window",
	"rpm": "set rate_limits.requests_per_minute", "tpm": "set rate_limits.tokens_per_minute", "maxparallelrequests": "set rate_limits.concurrency",
	"inputcostpertoken": "set price, in dollars per million tokens", "outputcostpertoken": "set price, in dollars per million tokens", "cost": "set price, in dollars per million tokens",
	"timeout": "set timeouts.primary, or timeout in the model's entry of fallbacks", "retries": asRetry, "maxretries": asRetry, "numretries": asRetry,
	"apiversion": onlyInGo, "organization": onlyInGo, "headers": onlyInGo, "extraheaders": onlyInGo, "extrabody": onlyInGo,
	"litellmparams": "its settings belong here: provider, id, base_url, credential_env",
}

var ofLimits = map[string]string{
	"rpm": "write requests_per_minute", "tpm": "write tokens_per_minute", "requests": "write requests_per_minute", "tokens": "write tokens_per_minute",
	"maxparallelrequests": "write concurrency", "maxconcurrent": "write concurrency", "maxconcurrency": "write concurrency", "parallel": "write concurrency",
}

// servers has advice on providers that a policy file does not know: the provider whose protocol they
// speak, and their base URL. docs/providers.md has the same URLs.
var servers = func() map[string]string {
	all := map[string]string{
		"*":      "for a server that speaks OpenAI's protocol, write provider: openai and base_url; the application must supply any other model",
		"google": "write gemini, or vertexai for Vertex AI", "googleai": "write gemini", "googlegemini": "write gemini", "googlegenai": "write gemini", "aistudio": "write gemini",
		"vertex": "write vertexai", "googlevertex": "write vertexai", "googlevertexai": "write vertexai", "gcp": "write vertexai",
		"claude": "write anthropic", "chatgpt": "write openai", "openaicompatible": "write openai, with base_url", "custom": "write openai, with base_url",
	}
	for name, s := range map[string]struct{ url, env string }{
		"mistral":    {"https://api.mistral.ai/v1", "MISTRAL_API_KEY"},
		"groq":       {"https://api.groq.com/openai/v1", "GROQ_API_KEY"},
		"deepseek":   {"https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"},
		"together":   {"https://api.together.xyz/v1", "TOGETHER_API_KEY"},
		"openrouter": {"https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"},
		"xai":        {"https://api.x.ai/v1", "XAI_API_KEY"},
		"fireworks":  {"https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"},
		"azure":      {"https://NAME.openai.azure.com", "AZURE_OPENAI_API_KEY"},
		"ollama":     {"http://127.0.0.1:11434/v1", ""},
		"vllm":       {"http://127.0.0.1:8000/v1", ""},
		"llamacpp":   {"http://127.0.0.1:8080/v1", ""},
		"lmstudio":   {"http://127.0.0.1:1234/v1", ""},
	} {
		advice := "write provider: openai, base_url: " + s.url
		if s.env != "" {
			advice += ", credential_env: " + s.env
		}
		all[name] = advice
	}
	for other, name := range map[string]string{
		"mistralai": "mistral", "togetherai": "together", "fireworksai": "fireworks", "grok": "xai", "azureopenai": "azure", "azureai": "azure",
		"hostedvllm": "vllm", "llama.cpp": "llamacpp", "ollamachat": "ollama",
	} {
		all[other] = all[name]
	}
	return all
}()
