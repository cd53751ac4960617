package openaiwire

// Members calls visit with each member of the JSON object in data: the key without
// its quotes, and the value as it is written. Values are delimited, not checked:
// what is used of them has to be decoded, with [Unquote], [Each] or Members. It
// allocates nothing.
func Members(data []byte, visit func(key, value []byte)) error { return scanObject(data, visit) }

// Unquote returns the text of a JSON string; false for another value. What is no
// UTF-8 becomes U+FFFD, as in package json.
func Unquote(value []byte) (string, bool) { return unquote(value) }
