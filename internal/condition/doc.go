// Package condition is the language of a policy's conditions: a typed, loop-free part of CEL with two shorthands.
//
//	c, err := condition.Compile("error || latency > 3000ms || cost > 0.05")
//	…
//	next, err := c.Eval(&condition.Vars{Latency: 3200 * time.Millisecond}) // true
//	c.Latencies()                                                          // [3s]: when to ask while a model is silent
//
// # The language
//
// The names and their types are those of Names. Operators are && || ! == != < <= > >= in ?: and, for ints and doubles,
// + - * /. Strings have contains, startsWith and endsWith. A list ([…]) stands on the right of in. The rest of CEL
// (https://github.com/google/cel-spec/blob/master/doc/langdef.md) is left out: without macros there are no loops, without
// regular expressions no costly match, and without duration arithmetic every moment at which a condition can change its
// mind stands in it as a literal.
//
// The shorthands: a number with units is a duration (3000ms, 1.5s, 1h30m; units as in time.ParseDuration), a number
// directly followed by % is a hundredth of itself (80% is 0.8). There is no modulo.
//
// Numbers compare across types (cost > 1); == and != want one type (confidence == 1.0). A missing label is "":
// labels["tier"] == "gold" is false without the label, and "tier" in labels tells the two apart.
//
// # What lives here
//
// Compiling, evaluating and explaining one expression. What a condition speaks of, when it is asked and what follows from
// its answer is the policy's business, as is the position of an expression in its file.
package condition
