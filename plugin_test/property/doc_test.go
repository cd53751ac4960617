// Package property_test holds the promises that are proven for any script of
// faults over any tree. It is apart from plugin_test because the generator's
// tables would be in the way of the benchmarks there: they are a megabyte that
// every garbage collection has to mark.
package property_test
