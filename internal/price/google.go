package price

const googleSource = "https://ai.google.dev/gemini-api/docs/pricing"

// google is the Gemini models that answer with text. Gemini 3.6, 3.7 and 3.8 Flash cost half of this until 2026-12-31,
// Gemini 4 Argon and Carbon half of it until 2026-11-30. Windows are the input token limits of
// https://ai.google.dev/gemini-api/docs/models (2026-11-28); Gemini 4 counts the output in, see
// https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/guides/gemini-4-hydrogen.
var google = []row{
	{"gemini-4-argon", 1_048_576, flat(4, 0.20, 20)},
	{"gemini-4-carbon", 1_048_576, flat(4, 0.20, 20)},
	{"gemini-4-neon", 1_048_576, flat(3, 0.15, 15)},
	{"gemini-4-hydrogen", 1_048_576, flat(1.50, 0.075, 7.50)},
	{"gemini-3.8-flash", 1_048_576, flat(1.50, 0.15, 7.50)},
	{"gemini-3.7-flash", 1_048_576, flat(1.50, 0.15, 7.50)},
	{"gemini-3.6-flash", 1_048_576, flat(1.50, 0.15, 7.50)},
	{"gemini-3.5-flash", 1_048_576, flat(1.50, 0.15, 9)},
	{"gemini-3.5-flash-lite", 1_048_576, flat(0.30, 0.03, 2.50)},
	{"gemini-3.1-pro", 1_048_576, Price{Rates: Rates{2, 0.20, 12}, LongAbove: 200_000, Long: Rates{4, 0.40, 18}}},
	{"gemini-3.1-flash-lite", 1_048_576, flat(0.25, 0.025, 1.50)},
	{"gemini-3-pro", 1_048_576, Price{Rates: Rates{2, 0.20, 12}, LongAbove: 200_000, Long: Rates{4, 0.40, 18}}},
	{"gemini-3-flash", 1_048_576, flat(0.50, 0.05, 3)},
	{"gemini-2.5-pro", 1_048_576, Price{Rates: Rates{1.25, 0.125, 10}, LongAbove: 200_000, Long: Rates{2.50, 0.25, 15}}},
	{"gemini-2.5-flash", 1_048_576, flat(0.30, 0.03, 2.50)},
	{"gemini-2.5-flash-lite", 1_048_576, flat(0.10, 0.01, 0.40)},
	{"gemini-2.0-flash", 1_048_576, flat(0.10, 0.025, 0.40)},
	{"gemini-2.0-flash-lite", 1_048_576, flat(0.075, 0, 0.30)},
}
