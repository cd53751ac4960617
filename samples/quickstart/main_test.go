package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// play returns the transcript of the whole program without a key, in turns;
// turn 0 is the headline.
func play(t *testing.T) []string {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), &out, io.Discard, "", nil); err != nil {
		t.Fatal(err)
	}
	turns := strings.Split(out.String(), "\nTurn ")
	if len(turns) != 4 {
		t.Fatalf("the transcript has %d turns, want 3:\n%s", len(turns)-1, out.String())
	}
	return turns
}

var row = regexp.MustCompile(`(?m)^  (gemini-\S+) +(\w+) +(\w+)  (.*)$`)

// asked returns the timeline of a turn: model and outcome of each attempt.
func asked(turn string) []string {
	var attempts []string
	for _, cell := range row.FindAllStringSubmatch(turn, -1) {
		attempts = append(attempts, cell[1]+" "+cell[2])
	}
	return attempts
}

// metadata returns the custom metadata that a turn prints.
func metadata(t *testing.T, turn string) map[string]any {
	t.Helper()
	_, text, ok := strings.Cut(turn, "custom_metadata: ")
	if !ok {
		t.Fatalf("no metadata in:\n%s", turn)
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("metadata is no JSON: %v\n%s", err, text)
	}
	return m
}

// B01
func TestHealthyTurnIsAnsweredByTheRootAndTellsNothing(t *testing.T) {
	turn := play(t)[1]
	if want := "agent  It is sunny and 24 °C in Berlin.\n"; !strings.Contains(turn, want) {
		t.Errorf("turn 1 lacks %q:\n%s", want, turn)
	}
	want := []string{rootModel + " ok", rootModel + " ok"} // the tool's call, then the answer
	if diff := cmp.Diff(want, asked(turn)); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
	if m := metadata(t, turn); m != nil {
		t.Errorf("metadata = %v, want none", m)
	}
}

// B13
func TestExhaustedQuotaIsAnsweredInTheSameTurn(t *testing.T) {
	turn := play(t)[2]
	if want := "agent  It is cloudy and 21 °C in Paris.\n"; !strings.Contains(turn, want) {
		t.Errorf("turn 2 lacks %q:\n%s", want, turn)
	}
	want := []string{rootModel + " failed", fallbackModel + " ok", rootModel + " failed", fallbackModel + " ok"}
	if diff := cmp.Diff(want, asked(turn)); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
	if want := "429 RESOURCE_EXHAUSTED: "; strings.Count(turn, want) != 2 {
		t.Errorf("turn 2 does not say %q of both failures:\n%s", want, turn)
	}
}

// B02
func TestMetadataOfTheRecoveredTurnIsPrintedAsJSON(t *testing.T) {
	md, ok := call.ReadMap(metadata(t, play(t)[2]))
	if !ok {
		t.Fatal("turn 2 has no fallback metadata")
	}
	if len(md.Attempts) != 2 {
		t.Errorf("attempts = %v, want the root's and the fallback's", md.Attempts)
	}
	md.Attempts, md.Reason = nil, ""
	want := call.Metadata{
		Triggered: true, OriginalModel: rootModel, FallbackModel: fallbackModel, Attempt: 1, ErrorCode: "429",
		ModelName: fallbackModel, ModelVersion: fallbackModel,
	}
	if diff := cmp.Diff(want, md); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

// B04
func TestTurnAfterAFallbackStartsAtTheRoot(t *testing.T) {
	turn := play(t)[3]
	if want := "agent  It is snowing and -3 °C in Oslo.\n"; !strings.Contains(turn, want) {
		t.Errorf("turn 3 lacks %q:\n%s", want, turn)
	}
	want := []string{rootModel + " ok", rootModel + " ok"}
	if diff := cmp.Diff(want, asked(turn)); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
	if m := metadata(t, turn); m != nil {
		t.Errorf("metadata = %v, want none", m)
	}
}

func TestREADMEShowsTheTranscript(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(readme), "## What it prints\n\n```text\n")
	shown, _, _ = strings.Cut(shown, "```")
	durations := regexp.MustCompile(` *"duration_ms": \d+,\n`) // not there for less than one
	printed := strings.Join(play(t), "\nTurn ")
	if diff := cmp.Diff(durations.ReplaceAllString(printed, ""), durations.ReplaceAllString(shown, "")); diff != "" {
		t.Errorf("README.md shows another transcript than the program prints; bring it up to date (-printed +README):\n%s", diff)
	}
}

func TestClosedOutputEndsTheRun(t *testing.T) {
	closed := errors.New("closed")
	if err := run(t.Context(), failingWriter{closed}, io.Discard, "", nil); !errors.Is(err, closed) {
		t.Errorf("err = %v, want %v", err, closed)
	}
}

func TestUnknownArgumentIsRefusedWithTheUsage(t *testing.T) {
	err := run(t.Context(), &bytes.Buffer{}, io.Discard, "", []string{"bogus"})
	if err == nil || !strings.Contains(err.Error(), "[bogus]") || !strings.Contains(err.Error(), "console - runs an agent in console mode") {
		t.Errorf("err = %v, want one that names the argument and the launcher's syntax", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
