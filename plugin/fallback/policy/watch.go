package policy

import (
	"context"
	"crypto/sha256"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/follow"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Watch is like [Load], but follows the file until ctx ends: when its content changes, new
// calls run under the new policy. If the new file has mistakes or is missing, the policy in
// use stays, and the reason is logged and reported to [OnReload]. A valid file that cannot
// be built yet, for example because a key is not set, is tried again once per interval.
//
// Watch reads the file twice per [DefaultInterval] (see [WithInterval]). A change takes
// effect when two reads in a row are equal, so that half-written files are not used. A file
// that is written slowly may still be read in part: write a new file and rename it. Watch
// also sees a replaced symbolic link, as in a Kubernetes ConfigMap
// (https://kubernetes.io/docs/concepts/configuration/configmap/).
//
// The watcher is one goroutine, which ends with ctx. See [Live] for the state that survives
// a reload.
func Watch(ctx context.Context, file string, opts ...Option) (model.LLM, error) {
	l, err := WatchLive(ctx, file, opts...)
	if err != nil {
		return nil, err
	}
	return l.Model(), nil
}

// WatchLive is like [Watch], but returns the [Live] of the file, which also makes models of
// other chains.
func WatchLive(ctx context.Context, file string, opts ...Option) (*Live, error) {
	l, data, err := liveOf(ctx, file, opts)
	if err != nil {
		return nil, err
	}
	w := &watcher{live: l, file: file, used: sha256.Sum256(data)}
	go follow.Watch(ctx, l.options.interval, data, follow.File{
		Read:      func() ([]byte, error) { return readFile(file) },
		Changed:   func(data []byte, err error) { w.changed(ctx, data, err) },
		Unchanged: func() { w.again(ctx) },
	})
	return l, nil
}

// watcher follows one file.
type watcher struct {
	live *Live
	file string
	used [sha256.Size]byte // digest of the policy in use

	unbuilt *spec.Policy      // the latest policy of the file, if it could not be built
	content [sha256.Size]byte // its digest
	why     string            // it could not be built
	rested  bool              // one read has passed since it was tried
}

// changed handles a change of the file.
func (w *watcher) changed(ctx context.Context, data []byte, err error) {
	w.unbuilt = nil
	if now := sha256.Sum256(data); err == nil && now != w.used {
		err = w.read(ctx, data, now)
	}
	w.report(ctx, err)
}

// again retries a policy that could not be built, at every second read.
func (w *watcher) again(ctx context.Context) {
	switch {
	case w.unbuilt == nil:
	case !w.rested:
		w.rested = true
	default:
		before := w.why
		if err := w.build(ctx, w.unbuilt, w.content); err == nil || err.Error() != before {
			w.report(ctx, err)
		}
	}
}

func (w *watcher) read(ctx context.Context, data []byte, content [sha256.Size]byte) error {
	p, err := w.live.options.Known().Parse(data)
	if err != nil {
		return inFile(w.file, err)
	}
	return w.build(ctx, p, content)
}

// build puts a policy into use.
func (w *watcher) build(ctx context.Context, p *spec.Policy, content [sha256.Size]byte) error {
	if err := inFile(w.file, w.live.Replace(ctx, p)); err != nil {
		w.unbuilt, w.content, w.why, w.rested = p, content, err.Error(), false
		return err
	}
	w.used, w.unbuilt = content, nil
	return nil
}

// report reports a change, unless ctx has ended.
func (w *watcher) report(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	o := w.live.options
	w.live.refused(err)
	if err != nil {
		o.Logger.Error("policy: the changed file cannot be used; the policy in use stays", "file", w.file, "error", err)
	} else {
		o.Logger.Info("policy: the changed file is in use", "file", w.file)
	}
	defer func() {
		if r := recover(); r != nil {
			o.Logger.Error("policy: OnReload panicked", "file", w.file, "panic", panics.Text(r))
		}
	}()
	o.reloaded(err)
}
