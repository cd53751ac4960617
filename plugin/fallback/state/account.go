package state

import (
	"context"
	"errors"
	"time"
)

// Errors of [SharedAccount.Reserve].
var (
	ErrLimit       = errors.New("state: the account's limit is reached")
	ErrUnavailable = errors.New("state: the store is unavailable, and accounts are refused then")
)

// Account returns the account of a key. Amounts are in billionths of a dollar. limit is the
// most that all replicas together may spend until the account ends; 0 for no limit: spending is
// only counted. A key has one account: a later limit replaces an earlier one.
func (s *Shared) Account(key string, limit int64, ends time.Time) *SharedAccount {
	return &SharedAccount{}
}

// SharedAccount is a limit of spending that replicas share. A replica leases a small part of
// it ahead, so that most calls do not wait for the store. A lease that is not needed goes
// back after a second, and that of a crashed replica after Config.Lease.
//
// While the store is gone, a replica may spend its share: what it has leased, and what
// nobody had leased when that was last known divided by the replicas last known. With
// Config.Deny it may only spend its lease, until that runs out.
//
// A nil SharedAccount has no limit and counts nothing.
type SharedAccount struct{}

// Reserve sets n aside, for an attempt that is about to start. It asks the store, and waits
// for the answer for Config.Timeout at most, if the lease is too small. The error is
// ErrLimit or ErrUnavailable, or that of ctx.
func (a *SharedAccount) Reserve(ctx context.Context, n int64) error { return nil }

// Settle charges spent in the place of reserved, which an earlier Reserve has set aside.
// Either may be 0. It never waits.
func (a *SharedAccount) Settle(reserved, spent int64) {}

// Spent returns what all replicas have spent, as last known: what others have spent in the
// latest second may be missing.
func (a *SharedAccount) Spent() int64 { return 0 }

// Reserved returns what attempts of this replica have set aside and not settled.
func (a *SharedAccount) Reserved() int64 { return 0 }

// Share returns which part of the limit has been spent by all or set aside by this replica,
// from 0 to 1; 0 without a limit.
func (a *SharedAccount) Share() float64 { return 0 }
