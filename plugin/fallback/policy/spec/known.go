package spec

// Known is what [Check] knows of the application. The zero value knows nothing.
type Known struct {
	// Model reports whether the application supplies a model of that name. Such a model
	// overrides the provider and credential of the file. A name that neither the file, a
	// provider nor the application resolves is an error. Nil means that the application
	// is not known: then only a name that looks like a misspelling is a warning.
	Model func(name string) bool
	// Provider reports whether the program has the provider of that name: a built-in one,
	// or one that the application has added, such as anthropic. Nil means unknown.
	Provider func(name string) bool
	// Price reports whether there is a list price for a provider's model id. Nil means
	// unknown: then prices are not checked.
	Price func(id string) bool
	// Window returns the context window of a provider's model id, in tokens. Nil means
	// that only the file's context_window is known.
	Window func(id string) (tokens int, ok bool)
	// Near returns the listed model that a provider's model id misspells, "" if it is listed
	// or near none. Nil means that misspelled ids are not found.
	Near func(id string) string
	// Code reports whether a word is a known code of a failure. Nil means that any word
	// may be one.
	Code func(word string) bool
	// Retrieval reports whether the application searches passages for retrieval-answer.
	// Nil means that it is not known.
	Retrieval func() bool
	// Deferred reports whether the application has a queue for deferred-answer. Nil means
	// that it is not known.
	Deferred func() bool
	// Judge reports whether the application has a function for cascade.judge. Nil means
	// that it is not known.
	Judge func() bool
	// Logprobs reports whether a model can return the probabilities of its tokens. Nil
	// means that it is not known.
	Logprobs func(r Resolved) bool
	// Validator reports whether the application has a function of that name among its
	// policy.Validators. Nil means unknown.
	Validator func(name string) bool
	// Approval reports whether the application has a function for gate.approve. Nil means
	// that it is not known.
	Approval func() bool
	// State reports whether the application has a client for section state. Nil means that
	// it is not known.
	State func() bool
}

// HandsIn reports whether the application is known to supply a model. The file then does
// not decide its provider and credential.
func (k Known) HandsIn(r Resolved) bool {
	return k.Model != nil && (k.Model(r.Name) || k.Model(r.Model))
}

// Credential returns a name for the credential of a target, "" if it is unknown.
func (k Known) Credential(t Target) string {
	switch {
	case k.HandsIn(t.Resolved):
		return ""
	case t.Settings.CredentialEnv != "":
		return t.Settings.CredentialEnv
	case t.Provider != "" && t.UsualKey():
		return "the default of " + t.Provider
	}
	return ""
}

// ContextWindow returns the context window of a model in tokens, 0 if it is unknown. The
// window of a model that the application supplies is known from the file alone, as another
// model may have the name of a listed one.
func (k Known) ContextWindow(r Resolved) int {
	if r.Settings.ContextWindow > 0 || k.Window == nil || k.HandsIn(r) {
		return r.Settings.ContextWindow
	}
	window, _ := k.Window(r.ID)
	return window
}
