// Package simulate runs policies in virtual time against scripted models and traffic, and
// reports what users would have got.
//
//	s, err := scenario.Parse(data)
//	…
//	r, err := simulate.Run(simulate.Config{Scenario: s, Policies: policies, Build: build})
//	err = r.Print(os.Stdout)
//
// What runs is the real tree of a policy, as package policy builds it: breakers, retries,
// hedges, caches and budgets are those of an application. Only the clock (package virtual)
// and the models are not real.
//
// # Sampling
//
// A day of 10,000 calls per second has 864 million calls. So a call of the simulation stands
// for [report.Sampling.Each] real ones, and the simulated process has the traffic of that
// part. If the deployment has that many processes, nothing differs for the process. If it has
// fewer, the process has less traffic than a real one:
//
//   - quotas and capacities of the providers, limits and budgets of the policy, and the
//     number of different questions are divided, so that they are reached at the same time
//   - shares, such as failure_ratio, hedge.max_extra_load and retry.budget, stay
//   - counts of a breaker stay: three failures in a row are not one failure, whatever it
//     stands for. With less traffic they take longer, and the report says how long.
//
// # Determinism
//
// All draws come from the seed. A draw belongs to a call and to an attempt at a model, not to
// the order of goroutines: equal seeds give equal reports, and policies are compared under the
// same traffic, latencies and failures. Arrivals have distinct instants in nanoseconds.
//
// # What lives here
//
// run.go runs each policy in a bubble of its own, world.go makes the calls and content.go
// draws them, provider.go is a scripted model, judge.go what it says about its answers, policy.go
// divides limits, and summary.go counts. Package scenario is the file format; package report is
// the result, its three forms, and what may be required of it.
package simulate
