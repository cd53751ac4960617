package fallbacktest_test

import (
	"context"
	"errors"
	"fmt"
	"log"

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
