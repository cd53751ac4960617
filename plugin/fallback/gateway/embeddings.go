package gateway

import "net/http"

// embeddings answers POST /v1/embeddings.
func (g *Gateway) embeddings(w http.ResponseWriter, r *http.Request) {
	refuse(w, openAIErrors{}, newProblem(http.StatusNotFound, codePath, "", "not there yet"))
}
