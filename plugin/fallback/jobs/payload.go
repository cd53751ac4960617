package jobs

import (
	"encoding/json"
	"errors"
	"fmt"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/plainjson"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// payloadVersion is that of the payloads that this binary writes, and the newest that it
// reads; it leaves newer jobs to newer binaries. It grows only when a payload means
// something else. A new field alone does not: older binaries ignore it, and a job of an
// older binary lacks it.
const payloadVersion = 1

// payload is what a job needs to run.
type payload struct {
	Contents []*genai.Content             `json:"contents"`
	Config   *genai.GenerateContentConfig `json:"config,omitempty"`
	Caller   call.Info                    `json:"caller"`
}

// newPayload returns what is stored of req. Its declared tools stay, because the
// conversation may hold calls to them, but the model may call none.
func newPayload(req *model.LLMRequest, caller call.Info) payload {
	p := payload{Contents: req.Contents, Caller: caller}
	if req.Config != nil {
		config := *req.Config
		config.HTTPOptions = nil
		if len(config.Tools) > 0 {
			config.ToolConfig = &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: genai.FunctionCallingConfigModeNone}}
		}
		p.Config = &config
	}
	return p
}

// request returns the request for a model of that name.
func (p *payload) request(modelName string) *model.LLMRequest {
	config := p.Config
	if config == nil {
		config = &genai.GenerateContentConfig{}
	}
	return &model.LLMRequest{Model: modelName, Contents: p.Contents, Config: config}
}

// The first byte of what is stored says how to read the rest: another process, or this
// one after a change of its Config, may have another codec.
const (
	storedPlain  = 'p'
	storedSealed = 's'
)

// seal returns v as it is stored.
func (q *Queue) seal(v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("jobs: the request cannot be stored: %w", err)
	}
	if q.config.Codec == nil {
		return append([]byte{storedPlain}, plain...), nil
	}
	var sealed []byte
	if err := contain("Config.Codec", func() (err error) { sealed, err = q.config.Codec.Seal(plain); return err }); err != nil {
		return nil, fmt.Errorf("jobs: Config.Codec cannot seal: %w", err)
	}
	return append([]byte{storedSealed}, sealed...), nil
}

// unreadableError says that this worker cannot read what is stored of a job. Another one,
// with another codec, may.
type unreadableError struct{ err error }

func (e *unreadableError) Error() string { return "jobs: the job cannot be read: " + e.err.Error() }
func (e *unreadableError) Unwrap() error { return e.err }

// unsealPayload reads the stored payload of a job.
func (q *Queue) unsealPayload(stored []byte) (p payload, err error) {
	plain, err := q.unseal(stored, &p)
	if err == nil {
		plainjson.KeepNumbers(plain, p.Contents)
	}
	return p, err
}

// unseal decodes into v what seal returned, and returns it as JSON. Its error is an
// *unreadableError.
func (q *Queue) unseal(stored []byte, v any) (plain []byte, err error) {
	plain, err = q.open(stored)
	if err == nil && json.Unmarshal(plain, v) != nil {
		err = errors.New("it is no JSON of a job") // the error of package json would quote the prompt
	}
	if err != nil {
		return nil, &unreadableError{err}
	}
	return plain, nil
}

// open returns the JSON that seal stored.
func (q *Queue) open(stored []byte) (plain []byte, err error) {
	switch {
	case len(stored) == 0:
		return nil, errors.New("it is empty")
	case stored[0] == storedPlain:
		return stored[1:], nil
	case stored[0] != storedSealed:
		return nil, errors.New("a newer release has written it")
	case q.config.Codec == nil:
		return nil, errors.New("it is sealed; set Config.Codec")
	}
	err = contain("Config.Codec", func() (err error) { plain, err = q.config.Codec.Open(stored[1:]); return err })
	if err != nil {
		return nil, fmt.Errorf("Config.Codec cannot open it: %w", err)
	}
	return plain, nil
}

// contain calls code of the application. A panic in it becomes an error.
func contain(what string, call func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("jobs: %s panicked: %s", what, panics.Text(r))
		}
	}()
	return call()
}
