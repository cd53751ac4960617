package policy

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"google.golang.org/adk/v2/model"
)

// Watch is [Load], and follows the file until ctx ends: when its content has
// changed, calls that begin from then on run under the new policy. A new file
// that is broken, or gone, changes nothing: the policy in use stays, and why is
// logged and told to [OnReload]. One that is right and cannot be built yet, such as
// for a key that is not there, is tried again once in every interval; it is told of
// again when it is in use, or when there is another reason.
//
// The file is looked at twice in every [DefaultInterval], by content, and a change
// counts when two looks in a row agree: so it is seen within that interval, and
// what an editor has written half is not taken for the policy. The look cannot
// tell a file that is written slowly from a whole one: put a new file beside the
// old one and rename it. A symbolic link that is swapped, as Kubernetes does with
// the files of a ConfigMap
// (https://kubernetes.io/docs/concepts/configuration/configmap/), is seen too.
//
// The watcher is one goroutine, which ends with ctx. See [Live] for what survives
// a reload.
func Watch(ctx context.Context, file string, opts ...Option) (model.LLM, error) {
	l, data, err := liveOf(ctx, file, opts)
	if err != nil {
		return nil, err
	}
	now := sight{content: sha256.Sum256(data)}
	w := &watcher{live: l, file: file, used: now, told: now, last: now}
	go w.run(ctx)
	return l.Model(), nil
}

// watcher follows one file.
type watcher struct {
	live *Live
	file string
	used sight // the content of the policy in use
	told sight // what OnReload knows of
	last sight // what the latest look has found

	unbuilt *spec.Policy // the policy of told, if it could not be built
	why     string       // not
	rested  bool         // a look has gone by since it was tried
}

// sight is what a look finds: the digest of a content, or why there is none.
type sight struct {
	content [sha256.Size]byte
	missing string
}

func (w *watcher) run(ctx context.Context) {
	ticker := time.NewTicker(max(w.live.options.interval/2, 1))
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			w.look(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// look deals with a change of the file, once, when the look before has found the
// same. At every second look it tries again what could not be built.
func (w *watcher) look(ctx context.Context) {
	data, err := readFile(w.file)
	now := sight{content: sha256.Sum256(data)}
	if err != nil {
		now = sight{missing: err.Error()}
	}
	settled := now == w.last
	w.last = now
	switch {
	case !settled:
	case now != w.told:
		w.told, w.unbuilt = now, nil
		if err == nil && now != w.used {
			err = w.read(ctx, data)
		}
		w.report(ctx, err)
	case w.unbuilt != nil && w.rested:
		before := w.why
		if err := w.build(ctx, w.unbuilt); err == nil || err.Error() != before {
			w.report(ctx, err)
		}
	default:
		w.rested = true
	}
}

func (w *watcher) read(ctx context.Context, data []byte) error {
	p, err := w.live.options.known().Parse(data)
	if err != nil {
		return inFile(w.file, err)
	}
	return w.build(ctx, p)
}

// build puts the policy of told to use.
func (w *watcher) build(ctx context.Context, p *spec.Policy) error {
	if err := inFile(w.file, w.live.Replace(ctx, p)); err != nil {
		w.unbuilt, w.why, w.rested = p, err.Error(), false
		return err
	}
	w.used, w.unbuilt = w.told, nil
	return nil
}

// report tells of a change, unless nobody wants to know any more.
func (w *watcher) report(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	o := w.live.options
	if err != nil {
		o.logger.Error("policy: the changed file cannot be used; the policy in use stays", "file", w.file, "error", err)
	} else {
		o.logger.Info("policy: the changed file is in use", "file", w.file)
	}
	defer func() {
		if r := recover(); r != nil {
			o.logger.Error("policy: OnReload panicked", "file", w.file, "panic", r)
		}
	}()
	o.reloaded(err)
}
