package scenario

import "time"

// Model is how a model behaves while nothing happens to it.
type Model struct {
	// Time until the first content. Default: p50 500 ms, p99 2 s.
	FirstContent *Delay `key:"first_content"`
	// Tokens per second after the first content.
	TokensPerSecond float64 `key:"tokens_per_second" min:"1" max:"100000" default:"200"`
	// Shares of requests that fail. They must add up to at most 100 %. The errors are those of
	// the Gemini API, whatever the provider; half of them come within 80 ms, 99 % within 400
	// ms, if nothing else is said. Default: none.
	Errors *Errors `key:"errors"`
	// What the provider allows all processes together, in minutes and days of the clock. A
	// request beyond it fails with status 429 and the provider's details. A request that fails
	// does not count. Default: no quota.
	Quota *Quota `key:"quota"`
	// Requests that the provider can have in progress for all processes together. Others
	// fail like those of errors.overloaded. Default: no limit.
	Capacity int `key:"capacity" min:"1" max:"100000000"`
	// Names by which events can refer to several models, such as a region. The provider and
	// the region in the policy are tags, too.
	Tags []string `key:"tags" items:"0..16"`
	// Price. Default: that of the policy, or the public list price.
	Price *Price `key:"price"`
	// Share of questions that the model answers wrongly. Hard questions are the same for every
	// model: a model with a larger share answers wrongly every question that one with a smaller
	// share does.
	Wrong Share `key:"wrong" min:"0%" max:"100%"`
	// Share of answers, right or wrong, for which the model can tell whether they are
	// right. Its confidence, as a cascade's judge sees it, is 95 % in answers that it takes to
	// be right, and 20 % in others.
	Judges Share `key:"judges" min:"0%" max:"100%" default:"100%"`
}

// Errors are shares of requests that fail, by how they fail.
type Errors struct {
	// Status 503: the model is overloaded.
	Overloaded Share `key:"overloaded" min:"0%" max:"100%"`
	// Status 503: no capacity for the model.
	Capacity Share `key:"capacity" min:"0%" max:"100%"`
	// Status 500.
	Server Share `key:"server" min:"0%" max:"100%"`
	// Status 429 without a reason.
	RateLimit Share `key:"rate_limit" min:"0%" max:"100%"`
	// Status 504, after the provider has tried for 30 s.
	Timeout Share `key:"timeout" min:"0%" max:"100%"`
	// Status 400: the key is not valid.
	Auth Share `key:"auth" min:"0%" max:"100%"`
	// The connection is reset.
	Network Share `key:"network" min:"0%" max:"100%"`
	// Nothing comes at all.
	Silence Share `key:"silence" min:"0%" max:"100%"`
	// The connection ends in the middle of the answer.
	Cut Share `key:"cut" min:"0%" max:"100%"`
}

// Quota is what a provider allows.
type Quota struct {
	// Requests in a minute.
	RequestsPerMinute int `key:"requests_per_minute" min:"1" max:"1000000000"`
	// Tokens of requests and answers in a minute.
	TokensPerMinute int `key:"tokens_per_minute" min:"1" max:"1000000000000"`
	// Requests in a day.
	RequestsPerDay int `key:"requests_per_day" min:"1" max:"1000000000000"`
	// Time of day in UTC at which the day of the quota begins, as the time since midnight.
	// The default is midnight in California, which the library assumes of Gemini.
	Resets time.Duration `key:"resets" min:"0s" max:"24h" default:"8h"`
}

// Price is in US dollars per million tokens.
type Price struct {
	// Price of a million input tokens.
	Input float64 `key:"input,required" min:"0" max:"100000"`
	// Price of a million output tokens.
	Output float64 `key:"output,required" min:"0" max:"100000"`
}
