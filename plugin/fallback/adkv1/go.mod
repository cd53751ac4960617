module github.com/adk-fallback/adk-fallback/plugin/fallback/adkv1

go 1.26.5

replace github.com/adk-fallback/adk-fallback => ../../..

require (
	github.com/adk-fallback/adk-fallback v0.0.0-00010101000000-000000000000
	google.golang.org/adk v1.7.0
	google.golang.org/adk/v2 v2.2.0
	google.golang.org/genai v1.77.0
)
