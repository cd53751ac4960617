package protocol_test

import (
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
)

func TestMetadataHidesMessagesWithAddresses(t *testing.T) {
	md := call.Metadata{Triggered: true}
	for _, kind := range []failure.Kind{failure.KindNetwork, failure.KindTimeout, failure.KindOverloaded} {
		md.Attempts = append(md.Attempts, call.Attempt{Outcome: call.Failed, Kind: string(kind), Message: "the message of " + string(kind)})
	}
	got, err := json.Marshal(protocol.Metadata(&model.LLMResponse{CustomMetadata: md.Map()}))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []failure.Kind{failure.KindNetwork, failure.KindTimeout, failure.KindOverloaded} {
		if shown := strings.Contains(string(got), "the message of "+string(kind)); shown != (kind == failure.KindOverloaded) {
			t.Errorf("%s: shown %v: %s", kind, shown, got)
		}
	}
	if got := protocol.Metadata(&model.LLMResponse{}); got != nil {
		t.Errorf("a response without metadata has %v", got)
	}
}

func TestCheckFallbacks(t *testing.T) {
	for n, wrong := range map[int]bool{0: false, 16: false, 17: true} {
		if p := protocol.CheckFallbacks(make([]string, n)); (p != nil) != wrong || p != nil && p.Param != "fallbacks" {
			t.Errorf("%d fallbacks: %+v", n, p)
		}
	}
}
