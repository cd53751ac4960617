package gemini

// Model is a model as the API lists it.
type Model struct {
	Name        string   `json:"name"`
	DisplayName string   `json:"displayName"`
	Methods     []string `json:"supportedGenerationMethods"`
}

// ModelOf returns the model of a name.
func ModelOf(name string) Model {
	return Model{Name: "models/" + name, DisplayName: name, Methods: []string{"generateContent", "streamGenerateContent"}}
}
