package openai

import "github.com/adk-fallback/adk-fallback/internal/openaiwire"

// Error is what a server said instead of an answer: with a status of its own, or
// within a response of status 200. Find it with errors.As as *Error. Its text
// holds no key.
type Error = openaiwire.Error
