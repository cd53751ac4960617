package jobs

import (
	"encoding/json"
	"errors"
	"fmt"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

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
	sealed, err := q.config.Codec.Seal(plain)
	if err != nil {
		return nil, fmt.Errorf("jobs: Config.Codec cannot seal: %w", err)
	}
	return append([]byte{storedSealed}, sealed...), nil
}

// unseal reads into v what seal returned.
func (q *Queue) unseal(stored []byte, v any) (err error) {
	if len(stored) == 0 {
		return errors.New("jobs: the stored job is empty")
	}
	kind, stored := stored[0], stored[1:]
	if kind == storedSealed {
		if q.config.Codec == nil {
			return errors.New("jobs: the job is sealed; set Config.Codec")
		}
		if stored, err = q.config.Codec.Open(stored); err != nil {
			return fmt.Errorf("jobs: Config.Codec cannot open the job: %w", err)
		}
	}
	if json.Unmarshal(stored, v) != nil {
		return errors.New("jobs: the stored job cannot be read") // the error would quote the prompt
	}
	return nil
}
