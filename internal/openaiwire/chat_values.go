package openaiwire

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/adk-fallback/adk-fallback/internal/jsonscan"
)

func (u *ChatUsage) read(data []byte) {
	set := func(field *int64, value []byte) {
		if n := count(value); n > 0 {
			*field = n
		}
	}
	_ = jsonscan.Members(data, func(key, value []byte) {
		switch string(key) {
		case "prompt_tokens", "input_tokens":
			set(&u.PromptTokens, value)
		case "completion_tokens", "output_tokens":
			set(&u.CompletionTokens, value)
		case "total_tokens":
			set(&u.TotalTokens, value)
		case "cached_tokens", "prompt_cache_hit_tokens":
			set(&u.CachedTokens, value)
		case "reasoning_tokens":
			set(&u.ReasoningTokens, value)
		case "prompt_tokens_details", "input_tokens_details", "completion_tokens_details", "output_tokens_details":
			_ = jsonscan.Members(value, func(key, value []byte) {
				switch string(key) {
				case "cached_tokens":
					set(&u.CachedTokens, value)
				case "reasoning_tokens":
					set(&u.ReasoningTokens, value)
				}
			})
		}
	})
}

// readLogprobs reads the current form, {"content": […]}, and that of the older
// completions, {"tokens": […], "token_logprobs": […]}, which Together sends.
func readLogprobs(data []byte) *ChatLogprobs {
	var l ChatLogprobs
	_ = jsonscan.Members(data, func(key, value []byte) {
		switch string(key) {
		case "content":
			jsonscan.Each(value, func(_ int, token []byte) { l.Content = append(l.Content, readLogprob(token)) })
		case "tokens":
			jsonscan.Each(value, func(i int, token []byte) { l.at(i).Token = textOf(token) })
		case "token_logprobs":
			jsonscan.Each(value, func(i int, token []byte) { l.at(i).Logprob, _ = numberOf(token) })
		}
	})
	if len(l.Content) == 0 {
		return nil
	}
	return &l
}

func (l *ChatLogprobs) at(i int) *Logprob {
	if i == len(l.Content) {
		l.Content = append(l.Content, Logprob{})
	}
	return &l.Content[i]
}

func readLogprob(data []byte) Logprob {
	var p Logprob
	_ = jsonscan.Members(data, func(key, value []byte) {
		p.read(key, value)
		if string(key) == "top_logprobs" {
			jsonscan.Each(value, func(_ int, token []byte) {
				top := Logprob{}
				_ = jsonscan.Members(token, top.read)
				p.TopLogprobs = append(p.TopLogprobs, top)
			})
		}
	})
	return p
}

// read reads a member that the token and its alternatives have.
func (p *Logprob) read(key, value []byte) {
	switch string(key) {
	case "token":
		p.Token = textOf(value)
	case "logprob":
		p.Logprob, _ = numberOf(value)
	}
}

// textOf returns the text of a string, the digits of a number, else "". A string
// with a broken escape is taken as it stands: nothing of an answer gets lost.
func textOf(value []byte) string {
	if s, ok := jsonscan.Unquote(value); ok {
		return s
	}
	if n := len(value); n >= 2 && value[0] == '"' {
		return string(value[1 : n-1])
	}
	if len(value) > 0 && (value[0] == '-' || value[0] >= '0' && value[0] <= '9') {
		return string(value)
	}
	return ""
}

// same is textOf that returns known, without an allocation, if it reads the same
// again.
func same(value []byte, known string) string {
	if n := len(value); n >= 2 && value[0] == '"' && string(value[1:n-1]) == known {
		return known
	}
	return textOf(value)
}

// listOf returns a copy of a list that has elements, else nil.
func listOf(value []byte) json.RawMessage {
	if len(value) > 2 && value[0] == '[' && json.Valid(value) {
		return bytes.Clone(value)
	}
	return nil
}

// numberOf returns a number, or the one that a string holds.
func numberOf(value []byte) (f float64, ok bool) {
	if len(value) > 2 && value[0] == '"' {
		value = value[1 : len(value)-1]
	}
	f, err := strconv.ParseFloat(string(value), 64)
	return f, err == nil && f-f == 0
}

// count returns a number of tokens, at least 0.
func count(value []byte) int64 {
	f, _ := numberOf(value)
	return int64(min(max(f, 0), 1<<53))
}

// integerOr returns a whole number, or otherwise if the value is none.
func integerOr(value []byte, otherwise int) int {
	n, err := strconv.Atoi(string(value))
	if err != nil || n < 0 || n > 1<<20 {
		return otherwise
	}
	return n
}
