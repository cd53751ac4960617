// Package llmtest has both ends of a model call for tests: models that answer by script, and
// consumers that record what they get.
//
//	flash := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota), llmtest.Text("hello"))
//	got := llmtest.Ask(ctx, flash, true) // got.Err is the error; the next call is answered
package llmtest
