package price

const openaiSource = "https://developers.openai.com/api/docs/pricing"

// openai is the GPT and o models. GPT-5.6 Sol's promotion of 2026-08-21 is not used.
var openai = []row{
	{"gpt-6.2-astra", long(8, 0.40, 40)},
	{"gpt-6.2-sol", long(2, 0.10, 10)},
	{"gpt-6.1-sol", long(2, 0.10, 10)},
	{"gpt-6-astra", long(10, 1, 50)},
	{"gpt-6-sol", long(2, 0.20, 10)},
	{"gpt-6-luna", long(0.10, 0.01, 0.50)},
	{"gpt-5.6", long(5, 0.50, 30)}, // the provider's alias of gpt-5.6-sol
	{"gpt-5.6-sol", long(5, 0.50, 30)},
	{"gpt-5.6-terra", long(2, 0.20, 12)},
	{"gpt-5.6-luna", long(0.20, 0.02, 1.20)},
	{"gpt-5.5", long(5, 0.50, 30)},
	{"gpt-5.5-pro", long(30, 0, 180)},
	{"gpt-5.4", long(2.50, 0.25, 15)},
	{"gpt-5.4-pro", long(30, 0, 180)},
	{"gpt-5.4-mini", flat(0.75, 0.075, 4.50)},
	{"gpt-5.4-nano", flat(0.20, 0.02, 1.25)},
	{"gpt-5.3-codex", flat(1.75, 0.175, 14)},
	{"gpt-5.2", flat(1.75, 0.175, 14)},
	{"gpt-5.2-pro", flat(21, 0, 168)},
	{"gpt-5.1", flat(1.25, 0.125, 10)},
	{"gpt-5.1-codex", flat(1.25, 0.125, 10)},
	{"gpt-5.1-codex-mini", flat(0.25, 0.025, 2)},
	{"gpt-5", flat(1.25, 0.125, 10)},
	{"gpt-5-chat", flat(1.25, 0.125, 10)},
	{"gpt-5-codex", flat(1.25, 0.125, 10)},
	{"gpt-5-pro", flat(15, 0, 120)},
	{"gpt-5-mini", flat(0.25, 0.025, 2)},
	{"gpt-5-nano", flat(0.05, 0.005, 0.40)},
	{"gpt-4.1", flat(2, 0.50, 8)},
	{"gpt-4.1-mini", flat(0.40, 0.10, 1.60)},
	{"gpt-4.1-nano", flat(0.10, 0.025, 0.40)},
	{"gpt-4o", flat(2.50, 1.25, 10)},
	{"gpt-4o-2024-05-13", flat(5, 0, 15)}, // the one release with a price of its own
	{"gpt-4o-mini", flat(0.15, 0.075, 0.60)},
	{"o4-mini", flat(1.10, 0.275, 4.40)},
	{"o3", flat(2, 0.50, 8)},
	{"o3-pro", flat(20, 0, 80)},
	{"o3-mini", flat(1.10, 0.55, 4.40)},
	{"o1", flat(15, 7.50, 60)},
}

// long is a price with the tier that most GPT models have for requests of more than 272,000 input tokens: it doubles the
// rates of input and multiplies that of output by 1.5.
func long(input, cached, output float64) Price {
	return Price{Rates: Rates{input, cached, output}, LongAbove: 272_000, Long: Rates{2 * input, 2 * cached, 1.5 * output}}
}
