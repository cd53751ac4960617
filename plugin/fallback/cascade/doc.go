// Package cascade has a model made of two others: a cheap one answers first, and a strong
// one is called when a [Judge] rejects the cheap answer.
//
//	m, err := cascade.New(cascade.Config{
//		Judges:  []cascade.Judge{cascade.JudgeStated(cascade.AskConfidence)},
//		MaxCost: 0.05, // US dollars, of one call of the strong model
//	}, flashLite, pro)
//
// The result is a model.LLM, so it nests in the models of package router and in the layers
// of package middleware. A judge goes by log-probabilities, by the confidence that the model
// states, by checks, by a function of yours or by the grade of another model.
//
// Models that switch because of a failure, and not because of an answer, are in package
// router.
package cascade
