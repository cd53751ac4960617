// Package state shares between the replicas of an application what each of them has found
// out about its models: which are down, how much of a rate limit or a budget is left, and
// which answers are known.
package state
