package delay

import (
	"strconv"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/prose"
)

// A reset is often stated as a time of day or a date. moments are the words before it. They begin at "gain" because a
// terminal may break the word "again". Examples:
//
//	Anthropic   "You will regain access on 2025-07-01 at 00:00 UTC", "resets 4pm (Europe/Berlin)", "limit reached|1760000400"
//	OpenAI      "try again at Jun 18th, 2026 8:41 AM" (Codex)
//	GLM         "Your limit will reset at 2026-09-09 05:38:28", "您的限额将在 2026-08-25 07:41:44 重置"
//	Copilot     "wait for your limit to reset on April 20, 2026 at 2:00 AM"
var moments = prose.Phrases("reset at ", "resets at ", "reset on ", "resets on ", "resets ", "resets: ", "gain at ", "gain on ", "again after ", "retry after ",
	"available at ", "available on ", "access on ", "access at ", "replenished at ", "refreshed at ", "renews on ", "renews at ", "until ", "limit reached|", "将在 ", "将于 ", "请在 ")

// maxMoments bounds how many times are read from one text, because each may look up a time zone.
const maxMoments = 16

// untilMoment returns the time until the latest moment that a text states. It calls now only if the text has one of the
// words before a moment.
func untilMoment(t *prose.Text, now func() time.Time) (longest time.Duration, ok bool) {
	left := maxMoments
	for i := range moments {
		if !t.Contains(&moments[i]) {
			continue
		}
		from := now()
		for after := range t.After(&moments[i]) {
			if left == 0 {
				break
			}
			left--
			if at, valid := parseMoment(after, from); valid {
				if d, future := until(at, from); future && (!ok || d > longest) {
					longest, ok = d, true
				}
			}
		}
	}
	return longest, ok
}

// moment holds the parts of a time that have been read.
type moment struct {
	year, day, hour, minute, second int
	month                           time.Month
	weekday                         string // the first three letters
	hasClock, hasZone               bool
	zone                            *time.Location
}

// parseMoment reads the date, the time of day, or both at the start of a lower-case text. A time without a date is the next
// one after now, and so is a date without a year. The default zone is UTC, or China's in a Chinese sentence.
func parseMoment(text string, now time.Time) (time.Time, bool) {
	text = text[:min(len(text), 64)]
	if digits, _, _ := strings.Cut(text, " "); len(digits) >= 10 {
		if f, err := strconv.ParseFloat(strings.TrimRight(digits, ".,)"), 64); err == nil {
			return epoch(f)
		}
	}
	m := moment{zone: time.UTC}
	if strings.Contains(text, "重置") || strings.Contains(text, "恢复") {
		m.zone = time.FixedZone("", 8*60*60)
	}
	for {
		text = strings.TrimLeft(text, " ,\n")
		rest, ok := m.next(strings.TrimPrefix(strings.TrimPrefix(text, "at "), "on "))
		if !ok {
			break
		}
		text = rest
	}
	return m.after(now)
}

// next reads one part of a time and returns the rest of the text. It returns false if the text does not start with one.
func (m *moment) next(text string) (string, bool) {
	n, rest, number := leadingInt(text)
	switch {
	case !number:
		return m.word(text)
	case strings.HasPrefix(rest, "-") && m.year == 0 && n > 2000:
		return m.date(n, rest)
	case strings.HasPrefix(rest, ":") && !m.hasClock && n < 24:
		m.hour, m.hasClock = n, true
		m.minute, rest, _ = leadingInt(rest[1:])
		if strings.HasPrefix(rest, ":") {
			m.second, rest, _ = leadingInt(rest[1:])
		}
		if fraction, after, ok := leadingInt(strings.TrimPrefix(rest, ".")); ok && rest[0] == '.' && fraction >= 0 {
			rest = after
		}
		return m.half(rest), m.minute < 60 && m.second < 60
	case m.month != 0 && m.day == 0 && n >= 1 && n <= 31:
		m.day = n
		for _, ending := range [...]string{"st", "nd", "rd", "th"} {
			rest = strings.TrimPrefix(rest, ending)
		}
		return rest, true
	case m.month != 0 && m.year == 0 && n > 2000:
		m.year = n
		return rest, true
	case !m.hasClock && n >= 1 && n <= 12:
		m.hour = n
		after := m.half(rest)
		m.hasClock = len(after) != len(rest)
		return after, m.hasClock
	}
	return text, false
}

// date reads the rest of "2026-09-09".
func (m *moment) date(year int, rest string) (string, bool) {
	month, rest, ok := leadingInt(rest[1:])
	if !ok || month < 1 || month > 12 || !strings.HasPrefix(rest, "-") {
		return rest, false
	}
	day, rest, ok := leadingInt(rest[1:])
	if !ok || day < 1 || day > 31 {
		return rest, false
	}
	m.year, m.month, m.day = year, time.Month(month), day
	return strings.TrimPrefix(rest, "t"), true
}

// half reads "am" or "pm".
func (m *moment) half(text string) string {
	after := strings.TrimLeft(text, " ")
	switch {
	case strings.HasPrefix(after, "am") && m.hour <= 12:
		m.hour %= 12
	case strings.HasPrefix(after, "pm") && m.hour <= 12:
		m.hour = m.hour%12 + 12
	default:
		return text
	}
	return after[2:]
}

// word reads a day of the week, a month or a zone: "mon", "monday", "jun", "june", "utc", "z", "(europe/berlin)", "+08:00".
func (m *moment) word(text string) (string, bool) {
	if m.weekday == "" && !m.hasClock {
		for day := time.Sunday; day <= time.Saturday; day++ {
			if name := strings.ToLower(day.String()); strings.HasPrefix(text, name[:3]) {
				m.weekday = name[:3]
				return strings.TrimPrefix(text[3:], name[3:]), true
			}
		}
	}
	if m.month == 0 {
		for month := time.January; month <= time.December; month++ {
			if name := strings.ToLower(month.String()); strings.HasPrefix(text, name[:3]) {
				m.month = month
				return strings.TrimPrefix(strings.TrimPrefix(text[3:], name[3:]), "."), true
			}
		}
	}
	if !m.hasClock || m.hasZone {
		return text, false
	}
	if sign := strings.IndexAny(text[:min(len(text), 1)], "+-"); sign == 0 {
		hours, rest, ok := leadingInt(text[1:])
		minutes, after, _ := leadingInt(strings.TrimPrefix(rest, ":"))
		offset := (hours*60 + minutes) * 60
		if text[0] == '-' {
			offset = -offset
		}
		m.zone, m.hasZone = time.FixedZone("", offset), true
		return after, ok && hours < 15
	}
	name := strings.TrimPrefix(text, "(")
	n := 0
	for n < len(name) && (prose.IsLetter(name[n]) || strings.IndexByte("/_-+", name[n]) >= 0) {
		n++
	}
	zone, ok := zoneNamed(name[:n])
	if ok {
		m.zone, m.hasZone = zone, true
	}
	return name[n:], ok
}

// zoneNamed returns the zone with a lower-case name. On a machine without a zone database it knows only a few.
func zoneNamed(name string) (*time.Location, bool) {
	switch name {
	case "utc", "gmt", "z":
		return time.UTC, true
	case "":
		return nil, false
	}
	if strings.IndexByte(name, '/') < 0 {
		return nil, false
	}
	b, start := []byte(name), true
	for i, c := range b {
		if start && prose.IsLetter(c) {
			b[i] = c &^ 0x20
		}
		start = c == '/' || c == '_' || c == '-'
	}
	zone, err := time.LoadLocation(string(b))
	return zone, err == nil
}

// after returns the time that was read. If a part of it is missing, it returns the next such time after now.
func (m *moment) after(now time.Time) (time.Time, bool) {
	local := now.In(m.zone)
	switch {
	case m.month != 0 && m.day != 0:
		year := m.year
		if year == 0 {
			year = local.Year()
		}
		at := time.Date(year, m.month, m.day, m.hour, m.minute, m.second, 0, m.zone)
		if m.year == 0 && at.Before(now.Add(-day)) {
			at = time.Date(year+1, m.month, m.day, m.hour, m.minute, m.second, 0, m.zone)
		}
		return at, true
	case m.hasClock && m.month == 0:
		at := time.Date(local.Year(), local.Month(), local.Day(), m.hour, m.minute, m.second, 0, m.zone)
		for range 8 {
			if at.After(now) && (m.weekday == "" || strings.HasPrefix(strings.ToLower(at.Weekday().String()), m.weekday)) {
				break
			}
			at = at.AddDate(0, 0, 1)
		}
		return at, true
	}
	return time.Time{}, false
}
