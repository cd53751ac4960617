package providertest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// skies are what the tool "weather" tells.
var skies = map[string]string{"Paris": "sunny", "Rome": "rainy"}

// Capable is the step of a model that does what the answers of the contract ask
// for, judging by the request alone, as a real model does.
func Capable() fallbacktest.Step {
	return fallbacktest.Func(func(req fallbacktest.Request) fallbacktest.Step {
		question, results := readConversation(req)
		sees := bytes.Contains(req.Body, []byte(base64.StdEncoding.EncodeToString(redSquare())))
		offered := offeredIn(req)
		switch {
		case strings.Contains(question, "heron"):
			return fallbacktest.Text("It is heron.")
		case offered["weather"] && len(results) == 0:
			return callWeather(question)
		case offered["camera"] && len(results) == 0:
			return fallbacktest.ToolCall("camera", nil)
		case strings.Contains(question, "colour") && sees:
			return fallbacktest.Text("It is red.")
		case strings.Contains(question, "colour"):
			return fallbacktest.Text("There is no image.")
		case offered["set_model_response"]:
			return fallbacktest.ToolCall("set_model_response", map[string]any{"city": "Paris", "sky": "sunny"})
		case strings.Contains(question, "report"):
			return fallbacktest.Text(`{"city": "Paris", "sky": "sunny"}`)
		}
		return fallbacktest.Text("The sky is " + strings.Join(results, " and ") + ".")
	})
}

func callWeather(question string) fallbacktest.Step {
	var calls []*genai.Part
	for _, city := range []string{"Paris", "Rome"} {
		if strings.Contains(question, city) {
			calls = append(calls, &genai.Part{FunctionCall: &genai.FunctionCall{Name: "weather", Args: map[string]any{"city": city}}})
		}
	}
	return fallbacktest.Parts(calls...)
}

// readConversation returns what the user has said, and the results of tools.
func readConversation(req fallbacktest.Request) (question string, results []string) {
	for _, content := range req.Contents {
		for _, part := range content.Parts {
			switch {
			case part.FunctionResponse != nil:
				result, _ := json.Marshal(part.FunctionResponse.Response)
				for _, sky := range []string{"sunny", "rainy"} {
					if bytes.Contains(result, []byte(sky)) {
						results = append(results, sky)
					}
				}
				if len(results) == 0 {
					results = append(results, "unknown")
				}
			case content.Role == genai.RoleUser:
				question += part.Text + "\n"
			}
		}
	}
	return question, results
}

func offeredIn(req fallbacktest.Request) map[string]bool {
	names := map[string]bool{}
	for _, tool := range req.Tools {
		for _, f := range tool.FunctionDeclarations {
			names[f.Name] = true
		}
	}
	return names
}

// redSquare is a PNG of 32 by 32 red pixels: some models refuse smaller images.
func redSquare() []byte {
	square := image.NewPaletted(image.Rect(0, 0, 32, 32), color.Palette{color.RGBA{R: 0xFF, A: 0xFF}})
	var b bytes.Buffer
	if err := png.Encode(&b, square); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}
