package call

import (
	"maps"

	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/session"
)

// Keys of a response's CustomMetadata. They are a contract with the readers of
// stored sessions: a key keeps its name and type for good.
const (
	KeyTriggered       = "fallback_triggered"        // bool: a configured error was seen, or a fallback answered
	KeyOriginalModel   = "original_model"            // string: the model the turn started at
	KeyFallbackModel   = "fallback_model"            // string: the model that answered or is called next; empty when none is left
	KeyAttempt         = "fallback_attempt"          // int, from 1: how many models of this turn have failed
	KeyErrorCode       = "error_code"                // string: the latest failure's code, such as "429"
	KeyReason          = "fallback_reason"           // string: the latest failure's meaning in a few words
	KeyAttempts        = "fallback_attempts"         // list of attempts, oldest first; see the keys below
	KeyAttemptsDropped = "fallback_attempts_dropped" // int: attempts that are not in the list; absent when none
	KeyAdapted         = "fallback_adapted"          // list of strings: settings omitted from or changed in the request to the target that answered
	KeyNotice          = "fallback_notice"           // string: the text that tells the user that a fallback answers; on a partial response, the response's text is this notice, not the model's
	KeyModelName       = "model_name"                // string: the target that answered
	KeyModelVersion    = "model_version"             // string: its version, as the provider reports it
	KeyCacheStatus     = "cache_status"              // string: miss, hit, stale or bypass; absent when there is no cache
	KeyExperimentID    = "experiment_id"             // string
	KeyCohort          = "cohort"                    // string
	KeyDegraded        = "degraded"                  // string: which last resort answered
	KeyUnanswered      = "unanswered"                // bool, only true: the text is a placeholder; later requests have a neutral line instead
	KeyRestart         = "fallback_restart"          // bool, on a partial response only: the text shown so far is void, the whole answer follows
	KeyProvisional     = "provisional"               // bool, on a partial response only: the text is a preview; a restart discards it when the answer begins
)

// Values of [KeyCacheStatus].
const (
	CacheMiss   = "miss"
	CacheHit    = "hit"
	CacheStale  = "stale"
	CacheBypass = "bypass" // the cache was not used for this request
)

// Keys of one entry of the list under [KeyAttempts].
const (
	keyModel        = "model"
	keyOutcome      = "outcome"
	keyCode         = "code"
	keyKind         = "kind"
	keyHTTPStatus   = "http_status"
	keyWait         = "wait_ms"
	keyDuration     = "duration_ms"
	keyInputTokens  = "input_tokens"
	keyOutputTokens = "output_tokens"
	keyCachedTokens = "cached_tokens"
	keyCachedLost   = "cached_tokens_lost"
	keyReason       = "reason"
	keyMessage      = "message"
)

// MaxMetadataBytes bounds what [Metadata.Map] returns, as JSON.
const MaxMetadataBytes = 4096

// Metadata is the typed form of the keys above. The zero value writes no key.
type Metadata struct {
	Triggered       bool      // a configured error was seen, or a fallback answered; if not, the fields up to Notice are not written
	OriginalModel   string    // the model that the turn started at
	FallbackModel   string    // the model that answered or is called next; "" when none is left
	Attempt         int       // how many models of this turn have failed, from 1
	ErrorCode       string    // the latest failure's code, such as "429"
	Reason          string    // the latest failure's meaning in a few words
	Attempts        []Attempt // oldest first, at most MaxAttempts
	AttemptsDropped int       // attempts that are not in Attempts
	Adapted         []string  // settings that were omitted or changed for the target that answered
	Notice          string    // what the user is told about the fallback, at most MaxNoticeBytes

	ModelName    string // the target that answered
	ModelVersion string // as the provider reports it
	CacheStatus  string // CacheMiss, CacheHit, CacheStale or CacheBypass; "" without a cache
	ExperimentID string
	Cohort       string // the arm of the experiment
	Degraded     string // which last resort answered
}

// Map returns the metadata as the values of a CustomMetadata map: bools, strings, ints
// and lists that survive JSON. As JSON, it has at most [MaxMetadataBytes]: beyond that,
// messages are cut first, then attempts after the first are dropped and counted.
//
// The fallback_* keys are present if and only if Triggered is set, the others if they
// have a value.
func (m Metadata) Map() map[string]any {
	var log Log
	log.Restore(m.Attempts, m.AttemptsDropped)
	return log.Map(m)
}

// Map returns m.Map() with the attempts of l instead of m's own.
func (l *Log) Map(m Metadata) map[string]any {
	m.Attempts, m.AttemptsDropped = nil, 0
	if m.Triggered {
		l.mu.Lock()
		defer l.mu.Unlock()
		m.Attempts, m.AttemptsDropped = l.attempts, l.dropped
	}
	m = m.fit()
	return m.fields()
}

// fields returns m, which must be within its bounds, as a map.
func (m *Metadata) fields() map[string]any {
	size := 0
	for _, field := range m.optional() {
		if field.value != "" {
			size++
		}
	}
	if m.Triggered {
		size += 8
	}
	out, b := make(map[string]any, size), boxes{}
	if m.Triggered {
		out[KeyAttempts] = b.attempts(m.Attempts)
		out[KeyTriggered] = true
		out[KeyOriginalModel] = b.box(m.OriginalModel)
		out[KeyFallbackModel] = b.box(m.FallbackModel)
		out[KeyAttempt] = m.Attempt
		out[KeyErrorCode] = b.box(m.ErrorCode)
		out[KeyReason] = b.box(m.Reason)
		if m.AttemptsDropped > 0 {
			out[KeyAttemptsDropped] = m.AttemptsDropped
		}
		if len(m.Adapted) > 0 {
			out[KeyAdapted] = toList(m.Adapted)
		}
		if m.Notice != "" {
			out[KeyNotice] = m.Notice
		}
	}
	for _, field := range m.optional() {
		if field.value != "" {
			out[field.key] = b.box(field.value)
		}
	}
	return out
}

type field struct{ key, value string }

// optional lists the keys that do not depend on Triggered.
func (m *Metadata) optional() [6]field {
	return [6]field{
		{KeyModelName, m.ModelName}, {KeyModelVersion, m.ModelVersion}, {KeyCacheStatus, m.CacheStatus},
		{KeyExperimentID, m.ExperimentID}, {KeyCohort, m.Cohort}, {KeyDegraded, m.Degraded},
	}
}

// WriteTo merges the metadata into resp.CustomMetadata; see [Merge]. A zero Metadata
// changes nothing.
func (m Metadata) WriteTo(resp *model.LLMResponse) { Merge(resp, m.Map()) }

// Merge adds fields to resp.CustomMetadata and keeps its other keys. An existing map
// may be shared, so it is replaced by a new one; without one, fields itself is used.
func Merge(resp *model.LLMResponse, fields map[string]any) {
	if len(fields) == 0 {
		return
	}
	if resp.CustomMetadata == nil {
		resp.CustomMetadata = fields
		return
	}
	merged := make(map[string]any, len(resp.CustomMetadata)+len(fields))
	maps.Copy(merged, resp.CustomMetadata)
	maps.Copy(merged, fields)
	resp.CustomMetadata = merged
}

// ReadMap reads the metadata back from a CustomMetadata map, also from one that
// went through JSON, where ints became floats. Values of the wrong type, and
// attempts without an outcome, are treated as absent. It reports false when the
// map has no key of the contract.
func ReadMap(custom map[string]any) (Metadata, bool) {
	var m Metadata
	found := read(custom, KeyTriggered, &m.Triggered)
	found = read(custom, KeyOriginalModel, &m.OriginalModel) || found
	found = read(custom, KeyFallbackModel, &m.FallbackModel) || found
	found = readInt(custom, KeyAttempt, &m.Attempt) || found
	found = read(custom, KeyErrorCode, &m.ErrorCode) || found
	found = read(custom, KeyReason, &m.Reason) || found
	found = readInt(custom, KeyAttemptsDropped, &m.AttemptsDropped) || found
	found = read(custom, KeyNotice, &m.Notice) || found
	found = read(custom, KeyModelName, &m.ModelName) || found
	found = read(custom, KeyModelVersion, &m.ModelVersion) || found
	found = read(custom, KeyCacheStatus, &m.CacheStatus) || found
	found = read(custom, KeyExperimentID, &m.ExperimentID) || found
	found = read(custom, KeyCohort, &m.Cohort) || found
	found = read(custom, KeyDegraded, &m.Degraded) || found
	if list, ok := custom[KeyAttempts].([]any); ok {
		found = true
		for _, entry := range list {
			fields, _ := entry.(map[string]any)
			if a := attemptFromMap(fields); a.Outcome != "" && len(m.Attempts) < MaxAttempts {
				m.Attempts = append(m.Attempts, a)
			}
		}
	}
	if list, ok := custom[KeyAdapted].([]any); ok {
		found = true
		for _, entry := range list {
			if text, ok := entry.(string); ok && len(m.Adapted) < MaxAdapted {
				m.Adapted = append(m.Adapted, text)
			}
		}
	}
	return m, found
}

// toList returns texts as JSON would give them back.
func toList(texts []string) []any {
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return list
}

// ReadResponse reads the metadata of a response; see [ReadMap]. A nil response
// has none.
func ReadResponse(resp *model.LLMResponse) (Metadata, bool) {
	if resp == nil {
		return Metadata{}, false
	}
	return ReadMap(resp.CustomMetadata)
}

// ReadEvent reads the metadata of a session's event; see [ReadMap]. A nil
// event has none.
func ReadEvent(event *session.Event) (Metadata, bool) {
	if event == nil {
		return Metadata{}, false
	}
	return ReadMap(event.CustomMetadata)
}
