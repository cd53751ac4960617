// Package nearest guesses what a misspelled word was meant to be.
package nearest

import "strings"

// Of returns the candidate that word is most likely a misspelling of: at most a third of its letters are wrong.
// "" means none is near.
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

// edits returns the Levenshtein distance of a and b in bytes, or limit if it is not less. It gives up early, so that a long
// word costs little.
func edits(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		least := row[0]
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
			least = min(least, row[j+1])
		}
		if least >= limit {
			return limit
		}
	}
	return row[len(b)]
}
