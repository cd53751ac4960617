package price

const anthropicSource = "https://platform.claude.com/docs/en/about-claude/pricing"

// anthropic returns the Claude models. Cached is the rate of cache hits.
func anthropic() []row {
	opus4 := flat(15, 1.50, 75)
	opus45 := flat(5, 0.50, 25)
	sonnet4 := flat(3, 0.30, 15)
	return []row{
		{"claude-fable-5-1", flat(10, 0.25, 50)},
		{"claude-fable-5", flat(10, 1, 50)},
		{"claude-opus-5-5", flat(4, 0.20, 20)},
		{"claude-opus-5", opus45},
		{"claude-opus-4-8", opus45},
		{"claude-opus-4-7", opus45},
		{"claude-opus-4-6", opus45},
		{"claude-opus-4-5", opus45},
		{"claude-opus-4-1", opus4},
		{"claude-opus-4-0", opus4},
		{"claude-opus-4", opus4},
		{"claude-sonnet-5-5", flat(2, 0.10, 10)},
		{"claude-sonnet-5", flat(2, 0.20, 10)},
		{"claude-sonnet-4-6", sonnet4},
		{"claude-sonnet-4-5", sonnet4},
		{"claude-sonnet-4-0", sonnet4},
		{"claude-sonnet-4", sonnet4},
		{"claude-haiku-5-5", flat(0.10, 0.01, 0.50).above(100_000, 0.50, 0.05, 2.50)},
		{"claude-haiku-4-5", flat(1, 0.10, 5)},
		{"claude-3-5-haiku", flat(0.80, 0.08, 4)},
	}
}
