package turn

import "github.com/adk-fallback/adk-fallback/plugin/fallback/call"

// maxErrors bounds how many errors of one tree are looked at.
const maxErrors = 256

// attemptsOf returns the attempts in the error of the agent's model, in order: a
// router's error has one for each of its targets. An error of a plain model, or one
// whose methods panic, has none.
func attemptsOf(err error) (attempts []call.Attempt) {
	defer func() {
		if recover() != nil {
			attempts = nil
		}
	}()
	left := maxErrors
	return unfold(err, &left)
}

func unfold(err error, left *int) (attempts []call.Attempt) {
	if err == nil || *left <= 0 {
		return nil
	}
	*left--
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		attempts = unfold(e.Unwrap(), left)
	case interface{ Unwrap() []error }:
		for _, cause := range e.Unwrap() {
			attempts = append(attempts, unfold(cause, left)...)
		}
	}
	if len(attempts) == 0 { // a target that is a router itself is told by its own targets
		if a, ok := attemptOf(err); ok {
			return []call.Attempt{a}
		}
	}
	return attempts
}
