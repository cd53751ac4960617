// Package alerts_test proves that the alerts of a policy fire on the metrics that package
// observe records of real calls, and are quiet while all is well.
package alerts_test
