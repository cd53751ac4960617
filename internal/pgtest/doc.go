// Package pgtest starts PostgreSQL for tests, from the binaries of the machine; on Linux
// only. In CI, .ci/run installs them.
//
//	var postgres pgtest.Server // TestMain calls postgres.Remove
//
//	db, err := sql.Open("pgx", postgres.DSN(t))
package pgtest
