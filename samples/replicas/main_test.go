package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The replicas share breakers and limits: three failures open all breakers, and all replicas
// share the limit of the fallback.
func TestReplicas(t *testing.T) {
	const want = `                                                   calls    sent to   sent to            breakers
what happens                                       of       primary  fallback  refused   of a, b, c
all is well                                        abcabc         6         0        0   closed closed closed
the primary is overloaded, and a finds out         aaa            3         3        0   open open open
b and c have learnt it from a                      bc             0         2        0   open open open
the primary is back: a probe by each               bca            3         0        0   closed closed closed
it fails again, and c finds out                    ccc            3         3        0   open open open
8 a minute is the fallback's limit, for all three  abc            3         0        3   open open open
`
	var out bytes.Buffer
	if err := run(t.Context(), &out, ""); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}
