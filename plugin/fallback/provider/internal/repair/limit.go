package repair

import (
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/adk/v2/model"
)

// lowerTokens is the prefix of a change that lowers the token limit to the model's own, which
// follows it. No answer of the model could be longer.
const lowerTokens = "max_output_tokens: "

// limits find the model's own token limit in a refusal, in lower case:
//
//   - OpenAI: "max_tokens is too large: 32000. This model supports at most 16384 completion
//     tokens" (enoch3712/ExtractThinker#346)
//   - Vertex AI: "a maxOutputTokens value of 65536 but the supported range is from 1
//     (inclusive) to 65536 (exclusive)" (BerriAI/litellm#10548)
//   - DeepSeek: "the valid range of max_tokens is [1, 8192]" (nickscamara/open-deep-research#19);
//     Qwen: "Range of max_tokens should be [1, 8192]" (open-webui/open-webui#10507)
//   - Groq: "max_tokens for `llama-3.1-8b-instant` must be less than or equal to 8000"
//     (skapadia3214/groq-moa#8)
//   - Anthropic: "max_tokens: 128000 > 64000" (home-generative-agent v3.45.1)
var limits = []struct {
	text     *regexp.Regexp
	excluded int32 // 1 if the number itself is above the limit, else 0
}{
	{regexp.MustCompile(`supports at most (\d+) completion tokens`), 0},
	{regexp.MustCompile(`maxoutputtokens value of \d+ but the supported range is from 1 \(inclusive\) to (\d+) \(exclusive\)`), 1},
	{regexp.MustCompile(`range of max_tokens (?:is|should be) \[1, ?(\d+)\]`), 0},
	{regexp.MustCompile("max_(?:completion_)?tokens`?(?: for [^ ]+)? must be less than or equal to `?(\\d+)"), 0},
	{regexp.MustCompile(`max_tokens: \d+ > (\d+)`), 0},
}

// ofLimit finds a token limit that is above the model's own.
func ofLimit(req *model.LLMRequest, text string) (Change, bool) {
	for _, l := range limits {
		found := l.text.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		most, err := strconv.ParseInt(found[1], 10, 32)
		own := int32(most) - l.excluded
		return Change(lowerTokens + strconv.Itoa(int(own))), err == nil && own > 0 && own < req.Config.MaxOutputTokens
	}
	return "", false
}

// limit returns the token limit that c lowers to.
func (c Change) limit() (most int32, ok bool) {
	number, ok := strings.CutPrefix(string(c), lowerTokens)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(number, 10, 32)
	return int32(n), err == nil
}
