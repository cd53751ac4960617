package stream_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/suite"
)

// inside is a layer around another.
type inside struct{ stream.Layer }

func (l inside) Within() stream.Layer { return l.Layer }

// told is a layer that records announcements.
type told struct {
	inside
	name string
	log  *[]string
}

func (l told) Ahead(_ context.Context, _ *model.LLMRequest, comes bool) {
	*l.log = append(*l.log, fmt.Sprint(l.name, " ", comes))
}

// breaker is a layer that may be open.
type breaker struct {
	inside
	open bool
}

func (b breaker) Refuses(time.Time) bool     { return b.open }
func (b breaker) Rest(time.Duration, string) {}

// optional is a layer that may be absent.
type optional struct {
	inside
	absent bool
}

func (o optional) Absent(context.Context) bool { return o.absent }

// several is a router.
type several struct {
	stream.Layer
	members []stream.Layer
}

func (s several) Members() []stream.Layer { return s.members }

// chooser is a router that chooses its second member.
type chooser struct{ several }

func (c chooser) Ahead(ctx context.Context, req *model.LLMRequest, comes bool) {
	stream.Announce(ctx, c.members[1], req, comes)
}

// A call is announced to the layers on its way, as far as it is known.
func TestAnnounceFollowsTheWayOfACall(t *testing.T) {
	var log []string
	end := stream.Of(suite.NewModel("m"))
	tell := func(name string, inner stream.Layer) stream.Layer { return told{inside{inner}, name, &log} }
	router := func(members ...stream.Layer) several { return several{end, members} }
	a, b := tell("a", end), tell("b", end)
	for _, c := range []struct {
		name  string
		layer stream.Layer
		comes bool
		want  []string
	}{
		{"nothing to tell", inside{end}, true, nil},
		{"from the outside in", tell("limit", inside{tell("budget", end)}), true, []string{"limit true", "budget true"}},
		{"taken back", tell("limit", inside{tell("budget", end)}), false, []string{"limit false", "budget false"}},
		{"a closed breaker", tell("outer", breaker{inside{a}, false}), true, []string{"outer true", "a true"}},
		{"an open breaker", tell("outer", breaker{inside{a}, true}), true, []string{"outer true"}},
		{"the first target", router(a, b), true, []string{"a true"}},
		{"a present target", router(optional{inside{a}, false}, b), true, []string{"a true"}},
		{"an absent target", router(optional{inside{a}, true}, b), true, []string{"b true"}},
		{"only absent targets", router(optional{inside{a}, true}), true, nil},
		{"a router in a router", router(router(b, a), a), true, []string{"b true"}},
		{"a router that chooses", tell("outer", chooser{router(a, b)}), true, []string{"outer true", "b true"}},
	} {
		log = nil
		stream.Announce(t.Context(), c.layer, nil, c.comes)
		if !slices.Equal(log, c.want) {
			t.Errorf("%s: told %q, want %q", c.name, log, c.want)
		}
	}
}
