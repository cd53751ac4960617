// Package providertest has the tests that every provider must pass: the same answers and,
// whatever the protocol, the same verdicts. [Run] runs them against a scripted server, and
// [RunCanary] sends the questions to a real endpoint.
package providertest
