package fallbacktest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

func Example() {
	srv := fallbacktest.NewServer()
	defer srv.Close()
	srv.Script("gemini-2.5-flash",
		fallbacktest.Overloaded(),
		fallbacktest.Text("It is sunny in Paris."),
	)

	ctx := context.Background()
	client, err := genai.NewClient(ctx, srv.ClientConfig())
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		resp, err := client.Models.GenerateContent(ctx, "gemini-2.5-flash", genai.Text("How is the weather?"), nil)
		var apiErr genai.APIError
		if errors.As(err, &apiErr) {
			fmt.Println(apiErr.Code, apiErr.Message)
			continue
		}
		fmt.Println(resp.Text())
	}
	for _, r := range srv.Requests() {
		fmt.Println(r.Model, r.Text(), r.Outcome)
	}
	// Output:
	// 503 The model is overloaded. Please try again later.
	// It is sunny in Paris.
	// gemini-2.5-flash How is the weather? completed
	// gemini-2.5-flash How is the weather? completed
}

// A model that asks for a tool, reads its result, and is cut off while it answers.
func ExampleFunc() {
	srv := fallbacktest.NewServer()
	defer srv.Close()
	srv.Script("gemini-2.5-flash", fallbacktest.Func(func(r fallbacktest.Request) fallbacktest.Step {
		if result := r.FunctionResponse("weather"); result != nil {
			return fallbacktest.Text(fmt.Sprint("It is ", result.Response["sky"], " in Paris.")).CutAfter(3)
		}
		return fallbacktest.ToolCall("weather", map[string]any{"city": "Paris"})
	}))

	ctx := context.Background()
	client, err := genai.NewClient(ctx, srv.ClientConfig())
	if err != nil {
		log.Fatal(err)
	}
	history := genai.Text("How is the weather in Paris?")
	resp, err := client.Models.GenerateContent(ctx, "gemini-2.5-flash", history, nil)
	if err != nil {
		log.Fatal(err)
	}
	call := resp.FunctionCalls()[0]
	fmt.Println(call.Name, call.Args)

	history = append(history, resp.Candidates[0].Content,
		genai.NewContentFromFunctionResponse(call.Name, map[string]any{"sky": "blue"}, genai.RoleUser))
	for resp, err := range client.Models.GenerateContentStream(ctx, "gemini-2.5-flash", history, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%q %q\n", resp.Text(), resp.Candidates[0].FinishReason)
	}
	// Output:
	// weather map[city:Paris]
	// "It " ""
	// "is " ""
	// "blue " ""
}

// A model that is up for ten minutes and down for one, by the clock.
func ExampleProvider_Loop() {
	srv := fallbacktest.NewServer()
	defer srv.Close()
	srv.Loop("gemini-2.5-flash",
		fallbacktest.For(10*time.Minute, fallbacktest.Text("Hello.")),
		fallbacktest.For(time.Minute, fallbacktest.Overloaded()),
	)
}
