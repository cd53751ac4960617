package redact

// Form is a line of the table of forms.
type Form struct {
	Intro    string
	Alphabet string // without marks that end sentences, escape or mask
	Min      int
}

// Forms returns the table of forms without PEM blocks, which have no alphabet.
func Forms() []Form {
	var all []Form
	for _, f := range forms {
		if f.of == block {
			continue
		}
		form := Form{Intro: f.intro, Min: int(f.min)}
		for c := range 128 {
			if class[c]&f.of != 0 && class[c]&(percent|star|dot|dash) == 0 {
				form.Alphabet += string(rune(c))
			}
		}
		all = append(all, form)
	}
	return all
}
