package delay

import "time"

// UntilPacificMidnight returns how long it is from t to the next midnight in America/Los_Angeles, when Gemini's daily
// quotas reset (https://ai.google.dev/gemini-api/docs/rate-limits: "RPD quotas reset at midnight Pacific time").
//
// The zone is computed rather than loaded: minimal containers have no zone database, embedding one costs every binary
// 450 KB, and the one rule needed fits below.
func UntilPacificMidnight(t time.Time) time.Duration {
	local := t.UTC().Add(pacificOffset(t))
	y, m, d := local.Date()
	midnight := time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC)
	const standard, daylight = -8 * time.Hour, -7 * time.Hour
	at := midnight.Add(-standard)
	if pacificOffset(at) == daylight {
		at = midnight.Add(-daylight) // midnight is never within the hour that changes: clocks change at 2:00
	}
	return at.Sub(t)
}

// pacificOffset returns Pacific time's offset from UTC at t: daylight time from 2:00 on the second Sunday of March to 2:00
// on the first Sunday of November (15 U.S.C. § 260a, as amended by the Energy Policy Act of 2005, section 110).
func pacificOffset(t time.Time) time.Duration {
	y := t.UTC().Year()
	start := sunday(y, time.March, 8).Add((2 + 8) * time.Hour)  // 2:00 standard time
	end := sunday(y, time.November, 1).Add((2 + 7) * time.Hour) // 2:00 daylight time
	if !t.Before(start) && t.Before(end) {
		return -7 * time.Hour
	}
	return -8 * time.Hour
}

// sunday returns the first Sunday on or after the given day, at 0:00 UTC.
func sunday(year int, month time.Month, day int) time.Time {
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	return t.AddDate(0, 0, (7-int(t.Weekday()))%7)
}
