package cache

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// MaxRuleBytes bounds how much of the user's last message a Rule's Prompt sees: its
// beginning.
const MaxRuleBytes = 16 << 10

// Rule says how long answers of one domain are fresh. It applies to a request if
// all conditions that are set hold; without any, it applies to all.
type Rule struct {
	Agent  string            // the agent that calls; see call.Info
	Labels map[string]string // labels that the caller has, with these values; see call.Info
	Prompt *regexp.Regexp    // matches somewhere in the user's last message

	// TTL replaces Config.TTL. 0 means Config.TTL, for an exception to the rules
	// after it.
	TTL time.Duration
	// Skip means that the requests are not cached. TTL must then be 0.
	Skip bool
}

func checkRules(rules []Rule) (problems []error) {
	for i, rule := range rules {
		switch {
		case rule.TTL < 0:
			problems = append(problems, fmt.Errorf("cache: Config.Rules[%d].TTL is %v; must be 0 (default: Config.TTL) or more", i, rule.TTL))
		case rule.Skip && rule.TTL != 0:
			problems = append(problems, fmt.Errorf("cache: Config.Rules[%d] has both Skip and a TTL; set one of them", i))
		}
	}
	return problems
}

// ttl returns how long the answer to req is fresh. cached is false if a rule says that it
// is not cached.
func (c *Cache) ttl(ctx context.Context, req *model.LLMRequest) (ttl time.Duration, cached bool) {
	if len(c.config.Rules) == 0 {
		return c.config.TTL, true
	}
	info, question := call.From(ctx), request.Question(req.Contents)
	question = question[:min(len(question), MaxRuleBytes)]
	for i := range c.config.Rules {
		rule := &c.config.Rules[i]
		if !rule.appliesTo(&info, question) {
			continue
		}
		if rule.TTL == 0 {
			return c.config.TTL, !rule.Skip
		}
		return rule.TTL, true
	}
	return c.config.TTL, true
}

func (r *Rule) appliesTo(info *call.Info, question string) bool {
	if r.Agent != "" && r.Agent != info.Agent || r.Prompt != nil && !r.Prompt.MatchString(question) {
		return false
	}
	for name, value := range r.Labels {
		if got, ok := info.Labels[name]; !ok || got != value {
			return false
		}
	}
	return true
}
