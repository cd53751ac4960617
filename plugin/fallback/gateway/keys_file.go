package gateway

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// keysFile is a keys file as it is written.
type keysFile struct {
	// Classes of calls, the most important one first.
	Priorities []string `key:"priorities" items:"1..32"`
	// The accepted keys.
	Keys []keyEntry `key:"keys,required" items:"1..1000"`
}

// keyEntry is one key of a keys file.
type keyEntry struct {
	// Tenant that pays for the calls. Several keys may have the same tenant.
	Tenant string `key:"tenant,required"`
	// SHA-256 of the key, in hexadecimal digits.
	SHA256 string `key:"sha256,required" kind:"sha256"`
	// Class of calls whose request names none. Default: max_priority.
	Priority string `key:"priority"`
	// The most important class that a request may name. Default: priority, or the last of
	// priorities.
	MaxPriority string `key:"max_priority"`
	// Routes and models that requests may name; * stands for any text. Default: all.
	Models []string `key:"models" kind:"pattern" items:"1..100"`
	// Calls that may start per minute. Default: no limit.
	RequestsPerMinute int `key:"requests_per_minute" min:"1" max:"10000000"`
	// Calls that may be in progress at a time. Default: the tenant's share of all.
	Concurrency int `key:"concurrency" min:"1" max:"1000000"`
}

var defaultPriorities = []string{"high", "normal", "low"}

var keysFormat = sync.OnceValue(func() *strictyaml.Format {
	hash := strictyaml.Pattern(`^[0-9A-Fa-f]{64}$`, "the SHA-256 of a key, 64 hexadecimal digits; adk-fallback keys new prints one")
	hash.Secret = true // somebody may have written the key itself
	return strictyaml.New(reflect.TypeFor[keysFile](), strictyaml.Kinds{Texts: map[string]*strictyaml.Scalar{
		"":        strictyaml.Pattern(`^[\p{L}\p{N}][\p{L}\p{M}\p{N}._:/@|+ -]{0,127}$`, "a name of at most 128 letters, digits, spaces and . _ : / @ | + -, beginning with a letter or digit"),
		"pattern": strictyaml.Pattern(`^[\p{L}\p{N}*][\p{L}\p{M}\p{N}._:/@|+ *-]{0,127}$`, "a name, in which * stands for any text"),
		"sha256":  hash,
	}}, strictyaml.Hints{"keys[]": keysHints})
})

// keysHints has advice on what people write by mistake for a client. A file with the keys themselves would
// give them to everyone who can read it.
var keysHints = map[string]string{
	"key": onlyHash, "apikey": onlyHash, "virtualkey": onlyHash, "token": onlyHash, "secret": onlyHash,
	"rpm": "write requests_per_minute", "maxparallelrequests": "write concurrency",
}

const onlyHash = "the file contains only hashes of keys; write what adk-fallback keys new prints"

// KeysError has all mistakes of a keys file, in the order of the file.
type KeysError struct {
	File     string // its name; "" if it is not known
	Problems []spec.Problem
}

// Error returns a line for each mistake.
func (e *KeysError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "gateway: %s has problems:", cmp.Or(e.File, "the keys file"))
	for _, p := range e.Problems {
		b.WriteString("\n" + p.String())
	}
	return b.String()
}

// ofFile adds the file's name to an error about its content.
func ofFile(file string, err error) error {
	if e, ok := errors.AsType[*KeysError](err); ok {
		e.File = file
	}
	return err
}

// parseKeys reads a keys file. A key that is also in before keeps its counts; see
// allowance.with.
func parseKeys(data []byte, before *keySet) (*keySet, error) {
	var file keysFile
	doc := keysFormat().Decode(data, &file)
	problems := doc.Problems
	mistake := func(path, message string) {
		at := doc.Places[path]
		problems = append(problems, spec.Problem{Line: at.Line, Column: at.Column, Path: path, Message: doc.Redact(message), Severity: spec.SeverityError})
	}
	set := &keySet{priorities: file.Priorities}
	if len(file.Priorities) == 0 {
		set.priorities = defaultPriorities
	}
	for i, class := range set.priorities {
		if first := set.indexOf(class); first != i {
			mistake(strictyaml.At("priorities", i), fmt.Sprintf("%s is listed twice", strictyaml.Quoted(class)))
		}
	}
	sums := make(map[string]int)
	for i, entry := range file.Keys {
		path := strictyaml.At("keys", i)
		set.keys = append(set.keys, set.key(path, entry, before, mistake))
		sum := strings.ToLower(entry.SHA256)
		if first, twice := sums[sum]; twice && sum != "" {
			mistake(strictyaml.At(path, "sha256"), fmt.Sprintf("is that of keys[%d] too; each key must be another", first))
			continue
		}
		sums[sum] = i
	}
	if strictyaml.HasErrors(problems) {
		return nil, &KeysError{Problems: strictyaml.AtMost(strictyaml.InOrder(problems))}
	}
	return set, nil
}

// key returns the key of an entry.
func (s *keySet) key(path string, entry keyEntry, before *keySet, mistake func(path, message string)) *key {
	k := &key{tenant: entry.Tenant, maxPriority: len(s.priorities) - 1}
	_, _ = hex.Decode(k.sum[:], []byte(entry.SHA256)) // checked by the format
	class := func(name, value string, set *int) {
		if value == "" {
			return
		}
		if *set = s.indexOf(value); *set < 0 {
			*set = len(s.priorities) - 1
			mistake(strictyaml.At(path, name), fmt.Sprintf("%s is no class of calls; it must be %s", strictyaml.Quoted(value), strictyaml.OneOf(s.priorities)))
		}
	}
	class("max_priority", entry.MaxPriority, &k.maxPriority)
	k.priority = k.maxPriority
	class("priority", entry.Priority, &k.priority)
	if entry.MaxPriority == "" {
		k.maxPriority = min(k.maxPriority, k.priority)
	} else if k.priority < k.maxPriority {
		mistake(strictyaml.At(path, "priority"), fmt.Sprintf("%s is more important than max_priority, %s", strictyaml.Quoted(entry.Priority), strictyaml.Quoted(entry.MaxPriority)))
	}
	for _, pattern := range entry.Models {
		k.models = append(k.models, match.Fold(pattern))
	}
	k.allowance = newAllowance(entry.RequestsPerMinute, entry.Concurrency)
	if old, ok := before.bySum(k.sum); ok {
		k.allowance = old.allowance.with(k.allowance)
	}
	return k
}

// bySum returns the key with a hash. s may be nil.
func (s *keySet) bySum(sum [32]byte) (*key, bool) {
	if s == nil {
		return nil, false
	}
	for _, k := range s.keys {
		if k.sum == sum {
			return k, true
		}
	}
	return nil, false
}
