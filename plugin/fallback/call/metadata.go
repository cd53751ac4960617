package call

import (
	"maps"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/session"
)

// Keys of a response's CustomMetadata. They are a contract with the readers of
// stored sessions: a key keeps its name and type for good.
const (
	KeyTriggered       = "fallback_triggered"        // bool: a configured error was seen, or a fallback answered
	KeyOriginalModel   = "original_model"            // string: the model the turn started at
	KeyFallbackModel   = "fallback_model"            // string: the model that answered, or is to be asked next; empty when none is left
	KeyAttempt         = "fallback_attempt"          // int, from 1: how many models of this turn have failed
	KeyErrorCode       = "error_code"                // string: the latest failure's code, such as "429"
	KeyReason          = "fallback_reason"           // string: the latest failure's meaning in a few words
	KeyAttempts        = "fallback_attempts"         // list of attempts, oldest first; see the keys below
	KeyAttemptsDropped = "fallback_attempts_dropped" // int: attempts left out of the list; absent when none
	KeyAdapted         = "fallback_adapted"          // list of strings: settings omitted from or changed in the request to the target that answered
	KeyModelName       = "model_name"                // string: the target that answered
	KeyModelVersion    = "model_version"             // string: its version, as the provider reports it
	KeyCacheStatus     = "cache_status"              // string: miss, hit, stale or bypass
	KeyExperimentID    = "experiment_id"             // string
	KeyCohort          = "cohort"                    // string
	KeyDegraded        = "degraded"                  // string: which answer of last resort was given
	KeyRestart         = "fallback_restart"          // bool, on a partial response only: the text shown so far is void, the whole answer follows
)

// Values of [KeyCacheStatus].
const (
	CacheMiss   = "miss"
	CacheHit    = "hit"
	CacheStale  = "stale"
	CacheBypass = "bypass" // there is no cache, or the request cannot be cached
)

// Keys of one entry of the list under [KeyAttempts].
const (
	keyModel      = "model"
	keyOutcome    = "outcome"
	keyCode       = "code"
	keyKind       = "kind"
	keyHTTPStatus = "http_status"
	keyWait       = "wait_ms"
	keyDuration   = "duration_ms"
	keyReason     = "reason"
	keyMessage    = "message"
)

// MaxMetadataBytes bounds what [Metadata.Map] returns, as JSON.
const MaxMetadataBytes = 4096

// Metadata is what a response tells about how it came to be: the typed form of
// the keys above. The zero value tells nothing and writes no key.
type Metadata struct {
	Triggered       bool
	OriginalModel   string
	FallbackModel   string
	Attempt         int
	ErrorCode       string
	Reason          string
	Attempts        []Attempt
	AttemptsDropped int
	Adapted         []string // settings that were omitted or changed for the target that answered

	ModelName    string
	ModelVersion string
	CacheStatus  string
	ExperimentID string
	Cohort       string
	Degraded     string
}

// Map returns the metadata as the values of a CustomMetadata map: bools,
// strings, ints and lists that survive JSON. It is at most [MaxMetadataBytes]
// as JSON: beyond that, messages are cut first, then attempts after the first
// are dropped and counted.
//
// The fallback_* keys are there exactly when Triggered is set, the others when
// they have a value.
func (m Metadata) Map() map[string]any {
	m = m.fit()
	out := make(map[string]any, 8)
	if m.Triggered {
		out[KeyTriggered] = true
		out[KeyOriginalModel] = m.OriginalModel
		out[KeyFallbackModel] = m.FallbackModel
		out[KeyAttempt] = m.Attempt
		out[KeyErrorCode] = m.ErrorCode
		out[KeyReason] = m.Reason
		attempts := make([]any, len(m.Attempts))
		for i, a := range m.Attempts {
			attempts[i] = a.toMap()
		}
		out[KeyAttempts] = attempts
		if m.AttemptsDropped > 0 {
			out[KeyAttemptsDropped] = m.AttemptsDropped
		}
		if len(m.Adapted) > 0 {
			out[KeyAdapted] = toList(m.Adapted)
		}
	}
	for _, field := range m.optional() {
		if field.value != "" {
			out[field.key] = boxed(field.value)
		}
	}
	return out
}

// boxed returns s as an interface, without an allocation if it is what most
// answers carry.
func boxed(s string) any {
	switch s {
	case CacheBypass:
		return CacheBypass
	case CacheMiss:
		return CacheMiss
	}
	return s
}

type field struct{ key, value string }

// optional lists the keys that stand for themselves.
func (m *Metadata) optional() [6]field {
	return [6]field{
		{KeyModelName, m.ModelName}, {KeyModelVersion, m.ModelVersion}, {KeyCacheStatus, m.CacheStatus},
		{KeyExperimentID, m.ExperimentID}, {KeyCohort, m.Cohort}, {KeyDegraded, m.Degraded},
	}
}

// WriteTo merges the metadata into resp.CustomMetadata. Keys that are not of
// this contract are kept, also in a map that others hold: it is copied first.
// WriteTo of a zero Metadata changes nothing.
func (m Metadata) WriteTo(resp *model.LLMResponse) {
	written := m.Map()
	if len(written) == 0 {
		return
	}
	if resp.CustomMetadata == nil {
		resp.CustomMetadata = written
		return
	}
	merged := make(map[string]any, len(resp.CustomMetadata)+len(written))
	maps.Copy(merged, resp.CustomMetadata)
	maps.Copy(merged, written)
	resp.CustomMetadata = merged
}

// ReadMap reads the metadata back from a CustomMetadata map, also from one that
// went through JSON, where ints became floats. Values of the wrong type are
// treated as absent. It reports false when the map holds no key of the
// contract.
func ReadMap(custom map[string]any) (Metadata, bool) {
	var m Metadata
	found := read(custom, KeyTriggered, &m.Triggered)
	found = read(custom, KeyOriginalModel, &m.OriginalModel) || found
	found = read(custom, KeyFallbackModel, &m.FallbackModel) || found
	found = readInt(custom, KeyAttempt, &m.Attempt) || found
	found = read(custom, KeyErrorCode, &m.ErrorCode) || found
	found = read(custom, KeyReason, &m.Reason) || found
	found = readInt(custom, KeyAttemptsDropped, &m.AttemptsDropped) || found
	found = read(custom, KeyModelName, &m.ModelName) || found
	found = read(custom, KeyModelVersion, &m.ModelVersion) || found
	found = read(custom, KeyCacheStatus, &m.CacheStatus) || found
	found = read(custom, KeyExperimentID, &m.ExperimentID) || found
	found = read(custom, KeyCohort, &m.Cohort) || found
	found = read(custom, KeyDegraded, &m.Degraded) || found
	if list, ok := custom[KeyAttempts].([]any); ok {
		found = true
		for _, entry := range list {
			if fields, ok := entry.(map[string]any); ok && len(m.Attempts) < MaxAttempts {
				m.Attempts = append(m.Attempts, attemptFromMap(fields))
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

func (a Attempt) toMap() map[string]any {
	out := map[string]any{keyModel: a.Model, keyOutcome: string(a.Outcome)}
	for _, f := range [...]field{{keyCode, a.Code}, {keyKind, a.Kind}, {keyReason, a.Reason}, {keyMessage, a.Message}} {
		if f.value != "" {
			out[f.key] = f.value
		}
	}
	if a.HTTPStatus != 0 {
		out[keyHTTPStatus] = a.HTTPStatus
	}
	if a.Wait > 0 {
		out[keyWait] = int(a.Wait.Milliseconds())
	}
	if a.Duration > 0 {
		out[keyDuration] = int(a.Duration.Milliseconds())
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
	readInt(fields, keyWait, &wait)
	readInt(fields, keyDuration, &duration)
	a.Wait = time.Duration(wait) * time.Millisecond
	a.Duration = time.Duration(duration) * time.Millisecond
	return a
}
