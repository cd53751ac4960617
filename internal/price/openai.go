package price

const openaiSource = "https://developers.openai.com/api/docs/pricing"

// openai is the GPT and o models. GPT-5.6 Sol's promotion of 2026-08-21 is not used.
//
// Windows are from the models' pages, https://developers.openai.com/api/docs/models (2026-11-28). From GPT-5 on, the longest input
// is the page's context window less its longest output, 400,000 - 128,000 or 1,050,000 - 128,000 tokens
// (https://openai.com/index/introducing-gpt-5-for-developers): the API refuses more with "Input tokens exceed the configured limit
// of 272000 tokens", or 922000. Older models and chat models share the page's window between input and output.
var openai = []row{
	{"gpt-6.2-astra", 922_000, long(8, 0.40, 40)},
	{"gpt-6.2-sol", 922_000, long(2, 0.10, 10)},
	{"gpt-6.1-sol", 922_000, long(2, 0.10, 10)},
	{"gpt-6-astra", 922_000, long(10, 1, 50)},
	{"gpt-6-sol", 922_000, long(2, 0.20, 10)},
	{"gpt-6-luna", 922_000, long(0.10, 0.01, 0.50)},
	{"gpt-5.6", 922_000, long(5, 0.50, 30)}, // the provider's alias of gpt-5.6-sol
	{"gpt-5.6-sol", 922_000, long(5, 0.50, 30)},
	{"gpt-5.6-terra", 922_000, long(2, 0.20, 12)},
	{"gpt-5.6-luna", 922_000, long(0.20, 0.02, 1.20)},
	{"gpt-5.5", 922_000, long(5, 0.50, 30)},
	{"gpt-5.5-pro", 922_000, long(30, 0, 180)},
	{"gpt-5.4", 922_000, long(2.50, 0.25, 15)},
	{"gpt-5.4-pro", 922_000, long(30, 0, 180)},
	{"gpt-5.4-mini", 272_000, flat(0.75, 0.075, 4.50)},
	{"gpt-5.4-nano", 272_000, flat(0.20, 0.02, 1.25)},
	{"gpt-5.3-chat", 128_000, flat(1.75, 0.175, 14)},
	{"gpt-5.3-codex", 272_000, flat(1.75, 0.175, 14)},
	{"gpt-5.2", 272_000, flat(1.75, 0.175, 14)},
	{"gpt-5.2-chat", 128_000, flat(1.75, 0.175, 14)},
	{"gpt-5.2-codex", 272_000, flat(1.75, 0.175, 14)},
	{"gpt-5.2-pro", 272_000, flat(21, 0, 168)},
	{"gpt-5.1", 272_000, flat(1.25, 0.125, 10)},
	{"gpt-5.1-chat", 128_000, flat(1.25, 0.125, 10)},
	{"gpt-5.1-codex", 272_000, flat(1.25, 0.125, 10)},
	{"gpt-5.1-codex-max", 272_000, flat(1.25, 0.125, 10)},
	{"gpt-5.1-codex-mini", 272_000, flat(0.25, 0.025, 2)},
	{"gpt-5", 272_000, flat(1.25, 0.125, 10)},
	{"gpt-5-chat", 128_000, flat(1.25, 0.125, 10)},
	{"gpt-5-codex", 272_000, flat(1.25, 0.125, 10)},
	{"gpt-5-pro", 272_000, flat(15, 0, 120)},
	{"gpt-5-mini", 272_000, flat(0.25, 0.025, 2)},
	{"gpt-5-nano", 272_000, flat(0.05, 0.005, 0.40)},
	{"gpt-4.1", 1_047_576, flat(2, 0.50, 8)},
	{"gpt-4.1-mini", 1_047_576, flat(0.40, 0.10, 1.60)},
	{"gpt-4.1-nano", 1_047_576, flat(0.10, 0.025, 0.40)},
	{"gpt-4o", 128_000, flat(2.50, 1.25, 10)},
	{"gpt-4o-2024-05-13", 128_000, flat(5, 0, 15)}, // the one release with a price of its own
	{"gpt-4o-mini", 128_000, flat(0.15, 0.075, 0.60)},
	{"chat-latest", 400_000, flat(5, 0.50, 30)}, // the model of ChatGPT, whichever that is
	{"gpt-chat-latest", 400_000, flat(5, 0.50, 30)},
	{"codex-mini", 200_000, flat(1.50, 0.375, 6)},
	{"o4-mini", 200_000, flat(1.10, 0.275, 4.40)},
	{"o3", 200_000, flat(2, 0.50, 8)},
	{"o3-pro", 200_000, flat(20, 0, 80)},
	{"o3-mini", 200_000, flat(1.10, 0.55, 4.40)},
	{"o1", 200_000, flat(15, 7.50, 60)},
}

// long is a price with the tier that most GPT models have for requests of more than 272,000 input tokens: it doubles the
// rates of input and multiplies that of output by 1.5.
func long(input, cached, output float64) Price {
	return Price{Rates: Rates{input, cached, output}, LongAbove: 272_000, Long: Rates{2 * input, 2 * cached, 1.5 * output}}
}
