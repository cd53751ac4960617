package main

// reason says why calls of this module cost more than those of a peer.
type reason struct {
	wire      bool
	row, peer string
	why       string
}

// reasons are for the rows whose ratio is above [limit]. Profiles of both sides are
// behind each. A row that is below the limit again needs none.
var reasons = []reason{}

// why returns the reason for a row, if there is one.
func why(l line, peer string) string {
	for _, r := range reasons {
		if r.wire == l.Wire && r.row == l.Name && r.peer == peer {
			return r.why
		}
	}
	return "not known yet"
}
