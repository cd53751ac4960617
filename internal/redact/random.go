package redact

import "strings"

// random reports whether s is encoded random bytes rather than a name. In those the class of the byte changes at two of three;
// a name is made of words, which are runs of lower case, and has its numbers at the ends of words:
// GenerateRequestsPerDayPerProject, Llama-3.3-70B-Instruct, opt/homebrew/Cellar. Words have no pairs of letters such as "jk" either.
func random(s string) bool {
	changes, inWords, numbers, single, odd, run := 0, 0, 0, 0, 0, 0
	digits, vowel := false, false
	var last uint16
	for i := 0; i <= len(s); i++ {
		var k uint16
		if i < len(s) {
			k = class[s[i]] & (letter | digit)
		}
		isVowel := k == lower && vowels&(1<<(s[i]&31)) != 0
		if last&letter != 0 && k&letter != 0 && (last == upper || k == lower) && oddPair[s[i-1]&31]&(1<<(s[i]&31)) != 0 {
			odd++
		}
		if k == last && k != 0 {
			run++
			vowel = vowel || isVowel
			continue
		}
		switch {
		case last == lower && run >= 3 && vowel:
			inWords += run
		case last == lower && run == 1 && k != 0:
			single++ // no word is one letter
		case last == digit:
			digits = true
			if k != 0 && i > run && class[s[i-run-1]]&letter != 0 {
				numbers++ // in the middle of letters
			}
		}
		if last != 0 && k != 0 && (last != upper || k != lower) {
			changes++
		}
		last, run, vowel = k, 1, isVowel
	}
	pluses := strings.Count(s, "+")
	if !digits && pluses == 0 && single < 3 && odd < 3 {
		return false
	}
	changes += single + 2*pluses + 2*odd
	score := 4*changes - inWords
	return score >= len(s)*6/10 || numbers >= 3 && score >= 0
}

// vowels has a bit for each.
const vowels = 1<<('a'&31) | 1<<('e'&31) | 1<<('i'&31) | 1<<('o'&31) | 1<<('u'&31)

// oddPair has, by the first letter of a pair, a bit for each second one that words and their usual abbreviations do not have behind
// it: j, q, v, x or z beside a consonant. A quarter of random pairs are such. The tJ of FanOutJoin is no pair.
var oddPair = func() (t [32]uint32) {
	const consonants, usual = "bcdfghjklmnpqrstvwxz", " bj dj nj tz nq xc xp xt xs xh xm ql sq cq rq "
	for _, a := range consonants {
		for _, b := range consonants {
			pair := string(a) + string(b)
			if (strings.ContainsAny(pair, "jqxz") || a == 'v') && a != b && !strings.Contains(usual, pair) {
				t[a&31] |= 1 << (b & 31)
			}
		}
	}
	return t
}()
