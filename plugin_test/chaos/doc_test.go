// Package chaos_test plays random faults against every way to use this module: the
// plugin with Recover, a tree made by hand, a policy, and the gateway in front of one,
// over the four protocols, unary, streamed and in tool loops. One oracle judges all of
// them; its rules are in oracle_test.go. A seed decides everything about a run:
//
//	go test ./plugin_test/chaos -run TestChaos -chaos.seed 7 -chaos.runs 1 -v   # one run, told in full
//	go test ./plugin_test/chaos -run TestChaos -chaos.runs 20000 -timeout 2h    # a long search
//
// A run that breaks a rule is shrunk: faults and settings are removed one at a time for as
// long as the same rule stays broken, and the smallest plan is printed.
//
// Faults that need a process are tested where it is: workers that are killed with signal 9
// during deferred work in plugin/fallback/jobs (TestChaos there).
package chaos_test
