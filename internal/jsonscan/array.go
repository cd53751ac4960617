package jsonscan

// Each calls visit with each element of the JSON array in data, and its index.
// Another value has none, and what follows a syntax error is passed over.
// Elements are delimited, not checked.
func Each(data []byte, visit func(i int, element []byte)) {
	i := skipSpace(data, 0)
	if i == len(data) || data[i] != '[' {
		return
	}
	for n := 0; ; n++ {
		i = skipSpace(data, i+1)
		if i == len(data) || data[i] == ']' {
			return
		}
		end := SkipValue(data, i)
		if end <= i {
			return
		}
		visit(n, data[i:end])
		if i = skipSpace(data, end); i == len(data) || data[i] != ',' {
			return
		}
	}
}
