package failure_test

import (
	"context"
	"errors"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// rogue is an error whose methods do what those of errors must not.
type rogue struct {
	text   func() string
	unwrap func() error
	is     func(error) bool
}

func (e *rogue) Error() string {
	if e.text != nil {
		return e.text()
	}
	return "rogue"
}

func (e *rogue) Unwrap() error {
	if e.unwrap != nil {
		return e.unwrap()
	}
	return nil
}

func (e *rogue) Is(target error) bool { return e.is != nil && e.is(target) }

type rogueDecider struct{ rogue }

func (*rogueDecider) Verdict() failure.Verdict { panic("verdict") }

// B80
func TestPanickingMethodsAreAnUnknownFailure(t *testing.T) {
	for name, err := range map[string]error{
		"Error":   &rogue{text: func() string { panic("text") }},
		"Unwrap":  &rogue{unwrap: func() error { panic("unwrap") }},
		"Is":      &rogue{is: func(error) bool { panic("is") }},
		"Verdict": &rogueDecider{},
		"joined":  errors.Join(&rogue{unwrap: func() error { panic("unwrap") }}),
	} {
		t.Run(name, func(t *testing.T) {
			v := failure.Classify(err)
			if v.Action != failure.Fallback || v.Kind != failure.KindUnknown {
				t.Errorf("Classify = %+v, want a fallback of an unknown failure", v)
			}
		})
	}
}

func TestErrorsThatWrapThemselvesComeToAnEnd(t *testing.T) {
	self := &rogue{}
	self.unwrap = func() error { return self }
	a, b := &rogue{}, &rogue{}
	a.unwrap = func() error { return errors.Join(b, a) }
	b.unwrap = func() error { return errors.Join(a, b) }
	for name, err := range map[string]error{"itself": self, "each other, joined": a} {
		if v := failure.Classify(err); v.Kind != failure.KindUnknown {
			t.Errorf("%s: Classify = %+v, want an unknown failure", name, v)
		}
	}
}

func TestMethodIsIsAskedAsErrorsIsDoes(t *testing.T) {
	late := &rogue{is: func(target error) bool { return target == context.DeadlineExceeded }}
	if v := failure.Classify(io(late)); v.Kind != failure.KindTimeout {
		t.Errorf("Classify = %+v, want a timeout", v)
	}
}

type statusError int

func (statusError) Error() string         { return "boom" }
func (e statusError) HTTPStatusCode() int { return int(e) }

func TestNumbersThatAreNoStatusAreIgnored(t *testing.T) {
	for _, status := range []int{-5, 42, 600, 999, -1 << 40} {
		for name, v := range map[string]failure.Verdict{
			"ClassifyHTTP":   atNoon.ClassifyHTTP(status, nil, []byte("boom")),
			"HTTPStatusCode": failure.Classify(statusError(status)),
			"StatusCode":     failure.Classify(&anthropicLike{StatusCode: status, raw: `{"message":"boom"}`}),
		} {
			if v.HTTPStatus != 0 || v.Kind != failure.KindUnknown {
				t.Errorf("%s %d: %+v, want an unknown failure without a status", name, status, v)
			}
		}
	}
}

// B39: what wraps context.Canceled and what only says so are one failure.
func TestCancellationInWordsIsOneAsAValue(t *testing.T) {
	alive, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, ctx := range []context.Context{alive, context.Background()} {
		value := failure.Classifier{}.Classify(ctx, io(context.Canceled))
		words := failure.Classifier{}.Classify(ctx, errors.New(io(context.Canceled).Error()))
		if words != value {
			t.Errorf("of a text: %+v\nof a value: %+v", words, value)
		}
	}
}
