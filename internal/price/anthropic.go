package price

const anthropicSource = "https://platform.claude.com/docs/en/about-claude/pricing"

// anthropic is the Claude models. Cached is the rate of cache hits. Windows hold input and output together; those of a million
// tokens are named at https://platform.claude.com/docs/en/build-with-claude/context-windows (2026-11-28), the others have 200,000.
var anthropic = []row{
	{"claude-fable-5-2", 1_000_000, flat(8, 0.20, 40)},
	{"claude-fable-5-1", 1_000_000, flat(10, 0.25, 50)},
	{"claude-fable-5", 1_000_000, flat(10, 1, 50)},
	{"claude-opus-5-5", 1_000_000, flat(4, 0.20, 20)},
	{"claude-opus-5", 1_000_000, flat(5, 0.50, 25)},
	{"claude-opus-4-8", 1_000_000, flat(5, 0.50, 25)},
	{"claude-opus-4-7", 1_000_000, flat(5, 0.50, 25)},
	{"claude-opus-4-6", 1_000_000, flat(5, 0.50, 25)},
	{"claude-opus-4-5", 200_000, flat(5, 0.50, 25)},
	{"claude-opus-4-1", 200_000, flat(15, 1.50, 75)},
	{"claude-opus-4-0", 200_000, flat(15, 1.50, 75)},
	{"claude-opus-4", 200_000, flat(15, 1.50, 75)},
	{"claude-sonnet-5-5", 1_000_000, flat(2, 0.10, 10)},
	{"claude-sonnet-5", 1_000_000, flat(2, 0.20, 10)},
	{"claude-sonnet-4-6", 1_000_000, flat(3, 0.30, 15)},
	{"claude-sonnet-4-5", 200_000, flat(3, 0.30, 15)},
	{"claude-sonnet-4-0", 200_000, flat(3, 0.30, 15)},
	{"claude-sonnet-4", 200_000, flat(3, 0.30, 15)},
	{"claude-haiku-5-5", 1_000_000, Price{Rates: Rates{0.10, 0.01, 0.50}, LongAbove: 100_000, Long: Rates{0.50, 0.05, 2.50}}},
	{"claude-haiku-4-5", 200_000, flat(1, 0.10, 5)},
	{"claude-3-5-haiku", 200_000, flat(0.80, 0.08, 4)},
}
