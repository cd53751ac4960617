package middleware

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/wireschema"
)

// errSchema is in every error about an answer that does not match its schema. The
// text of such an error quotes the answer, so it is not recorded.
var errSchema = errors.New("middleware: the answer does not match the schema")

// judge returns why an answer is not accepted, or nil.
func (v *validate) judge(ctx context.Context, req *model.LLMRequest, schema *jsonschema.Resolved, held *holdBack) *RejectedError {
	if held.tooLong {
		return &RejectedError{Reason: fmt.Sprintf("it is longer than %d MiB or %d chunks", MaxValidatedBytes>>20, MaxValidatedChunks)}
	}
	if held.fork.Notes.Degraded != "" {
		return nil
	}
	return v.check(ctx, req, schema, request.Whole(held.responses))
}

// rules are the checks of a configuration. They are safe for concurrent use.
type rules struct {
	config  ValidateConfig
	model   string // for the log; "" if unknown
	schemas compiledSchemas
	warned  atomic.Bool // of a schema that cannot be used
}

// check returns why resp is not accepted, or nil.
func (r *rules) check(ctx context.Context, req *model.LLMRequest, schema *jsonschema.Resolved, resp *model.LLMResponse) *RejectedError {
	if request.CallsFunction(resp.Content) {
		return nil // the final answer comes later
	}
	text := request.Text(resp.Content)
	if schema != nil {
		if err := matches(schema, text); err != nil {
			return &RejectedError{Reason: "it does not match the response schema", Err: err}
		}
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(text)); n < r.config.MinLength {
		return &RejectedError{Reason: fmt.Sprintf("it has %d characters, fewer than %d", n, r.config.MinLength)}
	}
	if r.config.Pattern != nil && !r.config.Pattern.MatchString(text) {
		return &RejectedError{Reason: "it does not match the pattern"}
	}
	if err := r.ask(ctx, req, resp); err != nil {
		return &RejectedError{Reason: "the function does not accept it", Err: err}
	}
	return nil
}

// ask calls Func.
func (r *rules) ask(ctx context.Context, req *model.LLMRequest, resp *model.LLMResponse) (err error) {
	if r.config.Func == nil {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			slog.Error("middleware: ValidateConfig.Func panicked", "model", r.model, "panic", panics.Text(p))
			err = errors.New("middleware: ValidateConfig.Func panicked")
		}
	}()
	if err = r.config.Func(ctx, req, resp); err != nil {
		_ = err.Error() // which panics if err is a nil pointer
	}
	return err
}

// schema returns the schema for answers to req, or nil.
func (r *rules) schema(req *model.LLMRequest) *jsonschema.Resolved {
	if r.config.SkipSchema || req == nil || req.Config == nil {
		return nil
	}
	var schema any
	switch {
	case req.Config.ResponseJsonSchema != nil:
		schema = req.Config.ResponseJsonSchema
	case req.Config.ResponseSchema != nil:
		schema = req.Config.ResponseSchema
	default:
		return nil
	}
	resolved, err := r.schemas.of(schema)
	if err != nil && !r.warned.Swap(true) {
		slog.Warn("middleware: the response schema of a request cannot be used, so answers are not checked against it; use a valid JSON Schema without references to other documents", "model", r.model, "error", err)
	}
	return resolved
}

// maxSchemas bounds the compiled schemas that a layer keeps, and maxSchemaBytes the
// JSON length of each. An agent has one.
const (
	maxSchemas     = 64
	maxSchemaBytes = 64 << 10
)

// compiledSchemas keeps compiled schemas by their JSON: compiling takes ten times as
// long as marshaling. The zero value is empty. It is safe for concurrent use.
type compiledSchemas struct {
	mu   sync.Mutex
	kept map[string]*jsonschema.Resolved // guarded by mu
}

// of returns schema compiled.
func (s *compiledSchemas) of(schema any) (resolved *jsonschema.Resolved, err error) {
	defer func() {
		if r := recover(); r != nil { // a type of the application's that marshals itself
			resolved, err = nil, fmt.Errorf("middleware: a response schema panicked: %s", panics.Text(r))
		}
	}()
	converted, err := wireschema.JSON(schema)
	if err != nil || converted == nil {
		return nil, err
	}
	text, err := json.Marshal(converted)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	resolved = s.kept[string(text)]
	s.mu.Unlock()
	if resolved != nil {
		return resolved, nil
	}
	if resolved, err = compile(text); err == nil && len(text) <= maxSchemaBytes {
		s.keep(string(text), resolved)
	}
	return resolved, err
}

// keep keeps a compiled schema. If there is no room, it evicts any other one:
// applications with that many schemas create them for each call.
func (s *compiledSchemas) keep(text string, resolved *jsonschema.Resolved) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil {
		s.kept = make(map[string]*jsonschema.Resolved)
	}
	for other := range s.kept {
		if len(s.kept) < maxSchemas {
			break
		}
		delete(s.kept, other)
	}
	s.kept[text] = resolved
}

func compile(text []byte) (*jsonschema.Resolved, error) {
	schema := &jsonschema.Schema{}
	if err := json.Unmarshal(text, schema); err != nil {
		return nil, err
	}
	return schema.Resolve(nil)
}

// matches returns an error if text is no JSON or does not match schema.
func matches(schema *jsonschema.Resolved, text string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: the check panicked: %s", errSchema, panics.Text(r))
		}
	}()
	var answer any
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return fmt.Errorf("%w: %w", errSchema, err)
	}
	if err := schema.Validate(answer); err != nil {
		return fmt.Errorf("%w: %w", errSchema, err)
	}
	return nil
}
