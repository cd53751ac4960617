package fallbacktest

// Dialect is whose chat completions a model speaks, for [Provider.StrictAs]. The
// servers differ in what they refuse, and a little in what they send.
type Dialect string

const (
	// OpenAI is what every model speaks without [Provider.StrictAs].
	OpenAI Dialect = ""
	// Mistral refuses unknown names, ids that are not nine letters and digits, and a
	// user who speaks right after a tool. Its errors are flat.
	Mistral Dialect = "mistral"
	// DeepSeek wants the thoughts of a turn with calls back, and knows neither the
	// role developer nor JSON schemas.
	DeepSeek Dialect = "deepseek"
	// Ollama ignores unknown names, takes images as data URLs only, and past calls
	// only with a JSON object as arguments. Thoughts are in the field "reasoning".
	Ollama Dialect = "ollama"
	// Groq refuses logprobs, logit_bias, names of participants and more than one
	// answer. Thoughts are in the field "reasoning".
	Groq Dialect = "groq"
)

// StrictAs is [Provider.Strict], and from now on holds the models to the rules of
// the given server instead of OpenAI's when they are asked through chat completions.
// Only the few rules that make a request for OpenAI fail there are known of each.
func (p *Provider) StrictAs(d Dialect, models ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.strict = true
	if p.dialects == nil {
		p.dialects = map[string]Dialect{}
	}
	for _, m := range models {
		p.dialects[m] = d
	}
}

func (p *Provider) dialectOf(model string) Dialect {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dialects[model]
}
