// Package panics describes a recovered panic in errors, records and logs.
package panics

import (
	"fmt"
	"runtime"
)

// Text returns the message of a runtime error, such as a nil map, and of any other value
// only its type: an application may panic with a text that quotes a prompt or a key.
func Text(recovered any) string {
	if err, ok := recovered.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a value of type %T", recovered)
}
