package redis

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Listen implements [state.Store]. It subscribes to the channel of the space. It pings a server
// that is silent for a second; without an answer within another second, pushes are lost.
func (s *store) Listen(ctx context.Context, space string, f func(state.Flag)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	flags, ended := make(chan state.Flag), make(chan error, 1)
	go func() { ended <- s.receive(ctx, s.channel(space), flags) }() // ends soon after ctx
	for {
		select {
		case flag := <-flags:
			f(flag)
		case err := <-ended:
			return clean(err)
		case <-ctx.Done():
			return clean(ctx.Err())
		}
	}
}

func (s *store) receive(ctx context.Context, channel string, flags chan<- state.Flag) error {
	pushes := s.client.Subscribe(ctx)
	stop := context.AfterFunc(ctx, func() { _ = pushes.Close() })
	defer func() {
		if stop() {
			_ = pushes.Close()
		}
	}()
	if err := pushes.Subscribe(ctx, channel); err != nil {
		return err
	}
	for pinged := false; ; {
		push, err := pushes.ReceiveTimeout(ctx, timeout)
		switch {
		case err == nil:
			pinged = false
		case isTimeout(err) && !pinged:
			if err := pushes.Ping(ctx); err != nil {
				return err
			}
			pinged = true
			continue
		default:
			return err
		}
		message, ok := push.(*redis.Message)
		if !ok {
			continue // the subscription, or the answer to a ping
		}
		flag, err := decode(message.Payload)
		if err != nil {
			continue // of a replica with a newer binary
		}
		select {
		case flags <- flag:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
