package failure

import (
	"cmp"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/delay"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/lenient"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/prose"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/quota"
)

// settle reads from the prose the facts that the structure does not have.
func (e *evidence) settle() {
	stated := e.status >= 400
	if !stated {
		if n := cmp.Or(prose.Status(e.text), prose.LeadingStatus(e.message)); n != 0 {
			e.status = n
		}
	}
	e.prose = prose.Of(e.text)
	e.printed()
	e.stubs()
	if classOf(e.status) == bad {
		if e.prose.HasAny(partWords) {
			e.learn(word{meaning: meaning{KindUnsupported, 400}})
		}
		e.text = prose.Unquoted(e.text, isCode)
		e.prose = prose.Of(e.text)
	}
	e.textTokens()
	if !stated && e.fromCode == 0 {
		e.capitals()
	}
	switch {
	case e.fault != 0:
		e.status = e.fault
	case e.status < 400 && e.fromCode != 0:
		e.status = e.fromCode
	}
	e.settleQuota()
}

// printed reads details that were printed into the text.
func (e *evidence) printed() {
	for key, value := range lenient.Printed(&e.prose) {
		if e.nodes++; e.nodes > maxNodes {
			return
		}
		e.field(key, value, 1)
	}
}

// settleQuota reads quotas and delays.
func (e *evidence) settleQuota() {
	if e.status == 429 || e.prose.HasAny(quotaWords) {
		zero, positive := quota.Limits(e.text)
		e.zero = e.zero || zero || e.unstated && !positive || e.prose.HasAny(noneWords)
		e.google = e.google || e.prose.HasAny(googleWords)
		e.perPerson = e.prose.HasAny(personWords) || !e.perModel && e.prose.HasAny(ownerWords) && !e.prose.HasAny(modelWords)
		if e.span == 0 {
			e.span = quota.Window(&e.prose)
		}
	}
	if e.quota == "" && e.span > 0 {
		e.quota = strings.TrimPrefix(e.code+" "+e.span.String(), " ")
	}
	e.hint(delay.ToRetry(&e.prose))
	e.resets(delay.ToReset(&e.prose, e.clock.now))
}

var (
	quotaWords   = prose.Phrases("limit", "quota", "too many", "allowance", "配额", "上限", "限额", "限流", "频率")
	rateWords    = prose.Phrases("rate limit", "quota", "too many requests", "limit reached", "limit exceeded", "throttled", "rate exceeded", "速率限制", "限流", "请求过于频繁", "频率过高", "并发")
	googleWords  = prose.Phrases("googleapis.com", "gemini", "generate_requests", "generate_content", "generaterequests", "generatecontent")
	blockedWords = prose.Phrases("blocked")
	// connectorWords are about servers that the provider calls because the request says so.
	connectorWords = prose.Phrases("mcp server", "mcp connector", "external_connector")
	// partWords are how servers written in Rust (DeepSeek) refuse a part of a message that is not text. They are quoted, so they
	// count before quotations are removed.
	partWords = prose.Phrases("unknown variant `image", "unknown variant `input_audio", "unknown variant `file", "unknown variant `video",
		"unknown variant image_url")
	limitWords = prose.Phrases("limit", "budget", "exhausted", "exceeded")
	noneWords  = prose.Phrases("have a free quota tier", "no free quota")
	// personWords are in limits that count all models together: Code Assist's, those of plans, OpenRouter's for free models.
	personWords = prose.Phrases("individual quota", "usage limit", "session limit", "weekly limit", "hit your limit", "your weekly", "your daily", "your monthly", "premium request", "your copilot", "free allocation", "free-models-per", "使用上限", "accounts")
	// ownerWords name the owner of a limit (Moonshot, LiteLLM, APIM). The limit counts all models unless one is named too.
	ownerWords = prose.Phrases("your team", "your workspace", "your subscription", "your key", "this key", "trial key",
		"reached organization", "reached max organization", "reached project", "call volume quota", "bandwidth quota", "token quota")
	modelWords = prose.Phrases("model", "deployment", "模型")
	// wireWords are about the network between this process and the model, in errors that came with a status.
	wireWords = prose.Phrases("upstream connect error", "connection termination", "no healthy upstream", "unreachable", "unable to connect", "rst_stream", "received from peer")
)
