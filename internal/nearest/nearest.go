// Package nearest guesses what a misspelled word was meant to be.
package nearest

import "strings"

// Of returns the candidate that word is most likely a misspelling of: at most a third of its letters are wrong, and two
// letters that changed places count as one. "" means none is near.
func Of(word string, candidates []string) string {
	best, distance := "", len(word)/3+1
	word = strings.ToLower(word)
	for _, c := range candidates {
		if d := edits(word, strings.ToLower(c), distance); d < distance {
			best, distance = c, d
		}
	}
	return best
}

// DidYouMean returns " (did you mean …?)" with the candidate that word is most likely a misspelling of, "" if none is near or word
// is itself one.
func DidYouMean(word string, candidates []string) string {
	near := Of(word, candidates)
	if near == "" || near == word {
		return ""
	}
	return " (did you mean " + near + "?)"
}

// edits returns how many bytes to insert, remove, replace or swap with their neighbour make b of a, each byte once at most, or
// limit if that is not less. It gives up early, so that a long word costs little.
func edits(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		least := row[0]
		for j := range len(b) {
			cost := last[j]
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, row[j]+1, last[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
			least = min(least, row[j+1])
		}
		if least >= limit {
			return limit
		}
	}
	return row[len(b)]
}
