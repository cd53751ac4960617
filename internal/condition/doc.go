// Package condition is the language of a policy's conditions: a typed, loop-free part of CEL with two shorthands.
//
//	c, err := condition.Compile("error || latency > 3000ms || cost > 0.05")
//	…
//	next, err := c.Eval(&condition.Vars{Latency: 3200 * time.Millisecond}) // true
//	c.Latencies()                                                          // [3s]: when to evaluate it while there is no content
//
// # The language
//
// Names returns the names and their types. The operators are && || ! == != < <= > >= in ?: and, for ints and doubles,
// + - * /. Strings have contains, startsWith and endsWith. A list ([…]) may be on the right of in. The rest of CEL
// (https://github.com/google/cel-spec/blob/master/doc/langdef.md) is not supported: without macros there are no loops,
// without regular expressions no costly matches, and without duration arithmetic every moment at which the result can
// change is a literal in the condition.
//
// The shorthands: a number with units is a duration (3000ms, 1.5s, 1h30m; units as in time.ParseDuration), and a number
// directly followed by % is divided by 100 (80% is 0.8). There is no modulo.
//
// < <= > >= compare ints with doubles (cost > 1); == and != need one type (confidence == 1.0). A missing label is "":
// labels["tier"] == "gold" is false without the label. "tier" in labels reports whether there is one.
//
// # What lives here
//
// Compiling and evaluating one expression, and explaining its mistakes. Package policy decides which attempt a condition
// refers to, when it is evaluated, and what follows from the result.
package condition
