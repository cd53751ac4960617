package policy

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"google.golang.org/adk/v2/model"
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
	used sight // content of the policy in use
	told sight // reported to OnReload
	last sight // result of the latest read

	unbuilt *spec.Policy // the policy of told, if it could not be built
	why     string       // it could not be built
	rested  bool         // one read has passed since it was tried
}

// sight is the result of reading the file: the digest of its content, or the error.
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

// look reads the file. It handles a change once, when two reads in a row are equal. At every
// second read it retries a policy that could not be built.
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

// build puts the policy of told into use.
func (w *watcher) build(ctx context.Context, p *spec.Policy) error {
	if err := inFile(w.file, w.live.Replace(ctx, p)); err != nil {
		w.unbuilt, w.why, w.rested = p, err.Error(), false
		return err
	}
	w.used, w.unbuilt = w.told, nil
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
		o.logger.Error("policy: the changed file cannot be used; the policy in use stays", "file", w.file, "error", err)
	} else {
		o.logger.Info("policy: the changed file is in use", "file", w.file)
	}
	defer func() {
		if r := recover(); r != nil {
			o.logger.Error("policy: OnReload panicked", "file", w.file, "panic", panics.Text(r))
		}
	}()
	o.reloaded(err)
}
