package jobs_test

import (
	"context"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/adk-fallback/adk-fallback/internal/pgtest"
)

// postgres is the server of all tests; TestMain removes it.
var postgres pgtest.Server

// wait is Config.Wait for pgx.
func wait(ctx context.Context, conn any) error {
	_, err := conn.(*stdlib.Conn).Conn().WaitForNotification(ctx)
	return err
}
