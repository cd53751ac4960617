package call

import "time"

// number is a numeric field of an attempt's map.
type number struct {
	key   string
	value int
}

func (a *Attempt) texts() [6]field {
	return [...]field{
		{keyModel, a.Model}, {keyOutcome, string(a.Outcome)}, {keyCode, a.Code}, {keyKind, a.Kind}, {keyReason, a.Reason}, {keyMessage, a.Message},
	}
}

func (a *Attempt) numbers() [7]number {
	return [...]number{
		{keyHTTPStatus, a.HTTPStatus}, {keyWait, int(max(a.Wait, 0).Milliseconds())}, {keyDuration, int(max(a.Duration, 0).Milliseconds())},
		{keyInputTokens, a.InputTokens}, {keyOutputTokens, a.OutputTokens},
		{keyCachedTokens, a.CachedTokens}, {keyCachedLost, a.CachedTokensLost},
	}
}

// boxes are the latest attempt's values, by key. The attempts of one call have much in
// common, so equal values share memory.
type boxes struct {
	texts   [6]any
	numbers [7]any
}

// box returns text as a value of a map.
func (b *boxes) box(text string) any {
	for _, value := range b.texts {
		if value == text {
			return value
		}
	}
	return text
}

// attempts returns the list of attempts as maps.
func (b *boxes) attempts(attempts []Attempt) []any {
	list := make([]any, len(attempts))
	for i := range attempts {
		list[i] = b.attempt(&attempts[i])
	}
	return list
}

// attempt returns a as a map, without empty and zero fields.
func (b *boxes) attempt(a *Attempt) map[string]any {
	out := make(map[string]any, 8)
	for i, f := range a.texts() {
		if f.value != "" {
			if b.texts[i] != f.value {
				b.texts[i] = f.value
			}
			out[f.key] = b.texts[i]
		}
	}
	for i, f := range a.numbers() {
		if f.value != 0 {
			if b.numbers[i] != f.value {
				b.numbers[i] = f.value
			}
			out[f.key] = b.numbers[i]
		}
	}
	return out
}

func attemptFromMap(fields map[string]any) Attempt {
	var a Attempt
	var wait, duration int
	read(fields, keyModel, &a.Model)
	read(fields, keyOutcome, (*string)(&a.Outcome))
	read(fields, keyCode, &a.Code)
	read(fields, keyKind, &a.Kind)
	read(fields, keyReason, &a.Reason)
	read(fields, keyMessage, &a.Message)
	readInt(fields, keyHTTPStatus, &a.HTTPStatus)
	readInt(fields, keyInputTokens, &a.InputTokens)
	readInt(fields, keyOutputTokens, &a.OutputTokens)
	readInt(fields, keyCachedTokens, &a.CachedTokens)
	readInt(fields, keyCachedLost, &a.CachedTokensLost)
	readInt(fields, keyWait, &wait)
	readInt(fields, keyDuration, &duration)
	a.Wait = time.Duration(wait) * time.Millisecond
	a.Duration = time.Duration(duration) * time.Millisecond
	return a
}
