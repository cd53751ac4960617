package failure_test

import (
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// The bodies are shortened from what the providers document and users report; the sources stand above each group.

// moneyErrors are about credit and budgets, and what looks like it.
func moneyErrors() []response {
	const retry, fallback, fail = failure.Retry, failure.Fallback, failure.Fail
	billing := outcome{fallback, failure.KindBilling, time.Hour}
	return []response{
		// LiteLLM: https://docs.litellm.ai/docs/proxy/error_reference
		{"team budget", 400, "400 Budget has been exceeded! Team=t Current cost: 100.2, Max budget: 100.0", billing},
		{"end user", 429, `{"error":{"message":"ExceededBudget: End User=u over budget. Spend=0.0008, Budget=0.0001","type":"auth_error","code":429}}`, billing},
		{"crossed", 401, `{"error":{"message":"Authentication Error, ExceededTokenBudget: key crossed budget 10","type":"auth_error"}}`, billing},
		// Bifrost, Portkey: https://portkey.ai/docs/aigw/api-reference/inference-api/error-codes
		{"virtual key", 402, `{"error":{"type":"budget_exceeded","message":"Virtual key budget exceeded: 10.0021 > 10.0000 dollars"}}`, billing},
		{"412", 412, `{"status":"failure","message":"Usage limit exhausted"}`, billing},
		{"412 of something else", 412, `{"message":"the condition does not hold"}`, outcome{fail, failure.KindInvalid, 0}},
		{"thinking budget", 400, `{"error":{"message":"thinking budget exceeds the maximum of 24576"}}`, outcome{fail, failure.KindInvalid, 0}},
		// https://github.com/diegosouzapw/OmniRoute/issues/9731
		{"budget of a queue", 503, "Request dropped after exceeding the local queue budget maxWaitMs (15000ms)", outcome{retry, failure.KindOverloaded, 0}},
		// Behind 400, 403 and 500. MiniMax: https://github.com/MiniMax-AI/MiniMax-M2/issues/62
		{"minimax", 500, `{"type":"error","error":{"type":"api_error","message":"insufficient balance (1008)"}}`, billing},
		{"siliconflow", 403, "{'code': 30011, 'message': 'The selected model requires paid balance. Your paid balance is insufficient.', 'data': None}", billing},
		{"overdue", 403, "Access denied due to overdue account", billing},
		{"in arrears", 400, `{"code":"Arrearage","message":"Access denied, please make sure your account is in good standing."}`, billing},
		{"relay's balance", 403, `{"code":"INSUFFICIENT_BALANCE","message":"Insufficient account balance"}`, billing},
		{"top up", 403, `{"message":"Please top up to use this."}`, billing},
		{"top up as advice", 429, `{"error":{"message":"Rate limit reached for RPM. Top up to increase it."}}`, outcome{retry, failure.KindRateLimit, time.Minute}},
		// https://help.aliyun.com/zh/model-studio/error-code
		{"free tier only", 403, `{"error":{"message":"The free quota has been exhausted.","code":"AllocationQuota.FreeTierOnly"}}`, billing},
		{"a throttle that says quota", 429, `{"error":{"message":"You exceeded your current quota, see https://help.aliyun.com/zh/model-studio/error-code#token-limit","type":"insufficient_quota","code":"insufficient_quota"}}`, outcome{retry, failure.KindRateLimit, 0}},
		{"a throttle, by its code", 0, "429 Throttling.AllocationQuota: You exceeded your current quota (type=insufficient_quota)", outcome{retry, failure.KindRateLimit, 0}},
		{"class of an SDK", 0, "Error [InsufficientQuotaError]: 429 You exceeded your current quota, please check your plan and billing details.", billing},
		// https://docs.anthropic.com/en/api/errors
		{"spend limit", 429, `{"type":"error","error":{"type":"rate_limit_error","message":"no","details":{"error_code":"enforced_spend_limit_reached"}}}`, billing},
		{"on hold", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"no","details":{"error_code":"organization_on_hold"}}}`, outcome{fail, failure.KindAuth, 0}},
	}
}

// B36
func TestMoneyWhateverTheStatus(t *testing.T) { check(t, moneyErrors()) }
