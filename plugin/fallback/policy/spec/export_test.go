package spec

// Reference returns the keys of a policy file in Markdown, as in docs/policy.md.
func Reference() string { return format().Reference("The file", sources) }
