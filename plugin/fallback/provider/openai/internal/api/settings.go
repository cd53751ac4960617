package api

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/genai"
)

// Number returns f as the number that it was written as: 0.7, not
// 0.699999988079071.
func Number(f *float32) *float64 {
	if f == nil {
		return nil
	}
	n, err := strconv.ParseFloat(strconv.FormatFloat(float64(*f), 'g', -1, 32), 64)
	if err != nil {
		return nil
	}
	return &n
}

// Effort returns the effort for a thinking level or, as a guess, for a budget. ""
// leaves it to the model.
func Effort(thinking *genai.ThinkingConfig) string {
	switch level := thinking.ThinkingLevel; {
	case level == genai.ThinkingLevelUnspecified:
	case level != "":
		return strings.ToLower(string(level))
	}
	switch budget := thinking.ThinkingBudget; {
	case budget == nil || *budget < 0:
		return ""
	case *budget == 0:
		return "none"
	case *budget <= 2048:
		return "low"
	case *budget <= 8192:
		return "medium"
	}
	return "high"
}

// Metadata returns labels as far as the API takes them: 16 pairs, keys of 64
// and values of 512 characters.
// https://github.com/openai/openai-python
func Metadata(labels map[string]string) map[string]string {
	if len(labels) == 0 {
		return nil
	}
	metadata := make(map[string]string, min(len(labels), 16))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if len(metadata) < 16 && len(key) <= 64 && len(labels[key]) <= 512 {
			metadata[key] = labels[key]
		}
	}
	return metadata
}
